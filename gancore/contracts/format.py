"""The contract of formats: how gancore reads the files of another project, and how it writes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gancore.contracts.part import Plugin

if TYPE_CHECKING:
    from gancore.interop.exporting import Model
    from gancore.interop.networks import Snapshot
    from gancore.interop.reading import Foreign


class Format(Plugin):
    """The checkpoints of one project, read into or written from networks of gancore.

    A format reads, or writes, or both. `Config` has the options of writing.

    The engine reads a file as data before a format sees it: it executes nothing and loads no weights
    (gancore.interop.reading). It asks the formats in the order of their names; the first that recognises the file
    reads it.
    """

    title: ClassVar[str] = ""
    """The project, as messages name it."""

    classes: ClassVar[tuple[str, ...]] = ()
    """Classes that its pickles name, to be read as data (`Record`): "argparse.Namespace", "torch.nn.*".

    A pickle that asks for any other class or function is refused with that name.
    """

    writes: ClassVar[str] = ""
    """The default name of the file or folder that `write` makes; empty: this format is only read."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def recognises(self, head: "Foreign") -> bool:
        """Whether the file is of this format, by its content: container, keys, names and shapes of tensors.

        A format that is only written recognises nothing.
        """
        return False

    def companions(self, file: "Foreign") -> Mapping[str, Sequence[str]]:
        """For projects with a file for each network: a part of the file's name, and what replaces it in the others.

        {"_GEN_": ["_DIS_"]}: beside `GAN_GEN_20.pth`, `GAN_DIS_20.pth` is read, too (`file.with_companions`). The first
        part that the name has counts.
        """
        return {}

    def read(self, file: "Foreign") -> "Snapshot":
        """The networks of the file: for each the entry of an experiment, and `mapping`, our tensor to theirs.

        Raises CheckpointError if the file lacks something, or has an option that no network of gancore supports.
        """
        raise NotImplementedError

    def write(self, model: "Model", out: Path) -> None:
        """Writes a model of ours as the file or folder `out`, which does not exist yet; the caller moves it into place.

        Raises CheckpointError if the format cannot hold the model: it would compute other images there.
        """
        raise NotImplementedError
