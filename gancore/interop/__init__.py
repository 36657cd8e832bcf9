"""Checkpoints of other projects: in, with no code executed.

    values.py        what a file holds, as data: arrays that have not been read yet, records of unknown objects
    machine.py       a restricted unpickler; constructors.py: what a pickle may ask for
    reading.py       containers: torch (zip and legacy), pickle, safetensors, npz, folders
    networks.py      what a format makes of a file: options of ours, and where each tensor comes from
    tensorflow.py    what the TensorFlow formats share
    importing.py     recognise, translate, compare shapes, write; inspecting.py, comparing.py: only look

A format is a plugin of kind `format` (gancore.contracts.Format).
"""

from gancore.interop.importing import Imported as Imported
from gancore.interop.importing import import_checkpoint as import_checkpoint
