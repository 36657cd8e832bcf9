// libcuda.so.1 that does nothing: no function is found by cuGetProcAddress.
int cuInit(unsigned f){return 0;}
int cuDevicePrimaryCtxGetState(int d,unsigned*f,int*a){*f=0;*a=0;return 0;}
int cuDriverGetVersion(int*v){*v=13000;return 0;}
int cuDeviceGetCount(int*n){*n=1;return 0;}
int cuDeviceGet(int*d,int i){*d=i;return 0;}
int cuGetProcAddress_v2(const char*s,void**p,int v,unsigned long long f,void*r){*p=0;return 500;}
