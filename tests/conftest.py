"""What holds in all tests: no model hub is asked for anything."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported: it reads this once
