"""Opens checkpoints of other projects, without executing code.

    values.py        the contents of a file, as data: arrays that have not been read yet, records of unknown objects
    machine.py       a restricted unpickler; cursor.py: its bytes; constructors.py: the names that a pickle may use
    reading.py       containers: torch (zip and legacy), pickle, safetensors, npz, folders
    networks.py      what a format makes of a file: options, and where each tensor comes from
    tensorflow.py    what the TensorFlow formats share
    importing.py     recognise, translate, compare shapes, write; inspecting.py, comparing.py: only look

A format is a plugin of kind `format` (gancore.contracts.Format).
"""

from gancore.interop.importing import Imported as Imported
from gancore.interop.importing import import_checkpoint as import_checkpoint
