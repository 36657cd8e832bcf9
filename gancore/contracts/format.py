"""The contract of formats: how files of another project are read, and how models of ours become such files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gancore.contracts.part import Plugin

if TYPE_CHECKING:
    from gancore.interop.exporting import Model
    from gancore.interop.networks import Snapshot
    from gancore.interop.reading import Foreign


class Format(Plugin):
    """The checkpoints of one project, and what they become: networks of ours, with a mapping of their tensors.

    A format reads, or writes, or both. `Config` has the options of writing.

    A file is read as data before a format sees it: nothing of it is executed, and no weights are loaded
    (gancore.interop.reading). The formats are asked in the order of their names; one that is sure says yes.
    """

    title: ClassVar[str] = ""
    """The project, as messages name it."""

    classes: ClassVar[tuple[str, ...]] = ()
    """Classes that its pickles name, to be read as data (`Record`): "argparse.Namespace", "torch.nn.*".

    A pickle that asks for any other class or function is refused with that name.
    """

    writes: ClassVar[str] = ""
    """The name of the file or folder that `write` makes where nobody chose one; empty: this format is only read."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def recognises(self, head: "Foreign") -> bool:
        """Whether the file is of this format, by its content: container, keys, names and shapes of tensors.

        A format that is only written recognises nothing.
        """
        return False

    def companions(self, file: "Foreign") -> Mapping[str, Sequence[str]]:
        """Where a network a file is the rule: a part of the file's name, and what stands there in the others' names.

        {"_GEN_": ["_DIS_"]}: beside `GAN_GEN_20.pth`, `GAN_DIS_20.pth` is read, too (`file.with_companions`). The first
        part that the name has counts.
        """
        return {}

    def read(self, file: "Foreign") -> "Snapshot":
        """The networks of the file: for each the entry of an experiment, and `mapping`, our tensor to theirs.

        Raises CheckpointError where the file lacks something, or has an option that no network of ours has.
        """
        raise NotImplementedError

    def write(self, model: "Model", out: Path) -> None:
        """Writes a model of ours as the file or folder `out`, which is not there yet and is moved to its place after.

        Raises CheckpointError where the format cannot hold the model: it would be another generator there.
        """
        raise NotImplementedError
