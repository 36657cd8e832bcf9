// libcudart that does nothing and succeeds: one device, sm_90. Loaded before the real one (LD_PRELOAD).
#include <cuda_runtime_api.h>
#include <cuda.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
static int dev = 0;
cudaError_t cudaGetDeviceCount(int *n){*n=1;return cudaSuccess;}
cudaError_t cudaGetDevice(int *d){*d=dev;return cudaSuccess;}
cudaError_t cudaSetDevice(int d){dev=d;return cudaSuccess;}
cudaError_t cudaDeviceGetStreamPriorityRange(int*a,int*b){*a=0;*b=-5;return cudaSuccess;}
cudaError_t cudaDriverGetVersion(int*v){*v=13000;return cudaSuccess;}
cudaError_t cudaRuntimeGetVersion(int*v){*v=13000;return cudaSuccess;}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp*p,int d){memset(p,0,sizeof *p);strcpy(p->name,"Fake H100");p->major=9;p->minor=0;p->multiProcessorCount=132;p->warpSize=32;p->totalGlobalMem=80ull<<30;p->maxThreadsPerBlock=1024;p->maxThreadsPerMultiProcessor=2048;p->regsPerMultiprocessor=65536;p->sharedMemPerBlockOptin=232448;p->maxGridSize[0]=2147483647;p->maxGridSize[1]=65535;p->maxGridSize[2]=65535;p->maxThreadsDim[0]=p->maxThreadsDim[1]=1024;p->maxThreadsDim[2]=64;return cudaSuccess;}
cudaError_t cudaDeviceGetAttribute(int*v,enum cudaDeviceAttr a,int d){*v=0;return cudaSuccess;}
cudaError_t cudaMalloc(void**p,size_t n){*p=aligned_alloc(512,(n+511)/512*512);return cudaSuccess;}
cudaError_t cudaFree(void*p){free(p);return cudaSuccess;}
cudaError_t cudaHostAlloc(void**p,size_t n,unsigned f){*p=aligned_alloc(512,(n+511)/512*512);return cudaSuccess;}
cudaError_t cudaFreeHost(void*p){free(p);return cudaSuccess;}
cudaError_t cudaMemGetInfo(size_t*a,size_t*b){*a=70ull<<30;*b=80ull<<30;return cudaSuccess;}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t*s,unsigned f,int p){*s=(cudaStream_t)malloc(8);return cudaSuccess;}
cudaError_t cudaStreamIsCapturing(cudaStream_t s,enum cudaStreamCaptureStatus*c){*c=cudaStreamCaptureStatusNone;return cudaSuccess;}
cudaError_t cudaStreamSynchronize(cudaStream_t s){return cudaSuccess;}
cudaError_t cudaStreamQuery(cudaStream_t s){return cudaSuccess;}
cudaError_t cudaDeviceSynchronize(void){return cudaSuccess;}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*e,unsigned f){*e=(cudaEvent_t)malloc(8);return cudaSuccess;}
cudaError_t cudaEventRecord(cudaEvent_t e,cudaStream_t s){return cudaSuccess;}
cudaError_t cudaEventQuery(cudaEvent_t e){return cudaSuccess;}
cudaError_t cudaEventDestroy(cudaEvent_t e){return cudaSuccess;}
cudaError_t cudaStreamWaitEvent(cudaStream_t s,cudaEvent_t e,unsigned f){return cudaSuccess;}
cudaError_t cudaLaunchKernel(const void*f,dim3 g,dim3 b,void**a,size_t sh,cudaStream_t s){return cudaSuccess;}
cudaError_t cudaMemcpyAsync(void*d,const void*s,size_t n,enum cudaMemcpyKind k,cudaStream_t st){memcpy(d,s,n);return cudaSuccess;}
cudaError_t cudaMemsetAsync(void*d,int v,size_t n,cudaStream_t st){memset(d,v,n);return cudaSuccess;}
cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes*a,const void*p){memset(a,0,sizeof *a);a->type=cudaMemoryTypeUnregistered;return cudaSuccess;}
cudaError_t cudaGetLastError(void){return cudaSuccess;}
cudaError_t cudaPeekAtLastError(void){return cudaSuccess;}
