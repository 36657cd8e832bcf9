"""The restricted unpickler reads what pickle writes, in every protocol, and nothing else."""

import pickle
import sys
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancore.errors import CheckpointError
from gancore.interop.constructors import Constructors, machine_of
from gancore.interop.values import Budget, Record

KEYS = st.one_of(st.none(), st.booleans(), st.integers(-(2**300), 2**300), st.text(), st.binary())
VALUES = st.recursive(
    st.one_of(KEYS, st.floats(allow_nan=False), st.binary(min_size=5000, max_size=5010)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner), st.tuples(inner, inner), st.sets(KEYS)),
    max_leaves=20,
)


def read(data: bytes, classes: tuple[str, ...] = ()) -> Any:
    names = Constructors(classes, Budget(len(data)))
    return machine_of(memoryview(data), names).read()


def whole(value: Any) -> Any:
    """The same with views of long byte strings as bytes."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(whole, value))
    return value


@pytest.mark.parametrize("protocol", range(6))
@given(value=VALUES)
@settings(max_examples=8, deadline=None)
def test_plain_data_comes_back(protocol: int, value: Any):
    assert whole(read(pickle.dumps(value, protocol))) == value


@pytest.mark.parametrize("protocol", range(6))
def test_containers_of_the_library(protocol: int):
    value = {"o": OrderedDict(a=1, b=[2]), "d": defaultdict(list, x=[1]), "c": Counter("aab"), "f": frozenset([1])}
    got = read(pickle.dumps(value, protocol))
    assert (got["o"], got["d"], got["c"], got["f"]) == (dict(value["o"]), {"x": [1]}, {"a": 2, "b": 1}, {1})


@pytest.mark.parametrize("protocol", range(6))
def test_what_refers_to_itself(protocol: int):
    value: list[Any] = [1]
    value.append(value)
    got = read(pickle.dumps(value, protocol))
    assert got[1] is got


class Thing:
    """A class that a file may name."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


@pytest.mark.parametrize("protocol", range(6))
def test_objects_of_declared_classes_are_records(protocol: int):
    name = f"{Thing.__module__}.Thing"
    sys.modules.setdefault(Thing.__module__, sys.modules[__name__])
    data = pickle.dumps(Thing(a=[1], b=Thing(c=2)), protocol)
    got = read(data, (name,))
    assert isinstance(got, Record)
    assert (got.name, got.state["a"], got.state["b"].state) == (name, [1], {"c": 2})
    with pytest.raises(CheckpointError, match=r"asks for .*Thing"):
        read(data)


def calling(name: str, *arguments: Any) -> dict[str, bytes]:
    """Pickles that call a function, by every operation that can."""
    module, _, function = name.rpartition(".")
    argument = pickle.dumps(arguments, 2)[2:-1]
    inner = b"".join(pickle.dumps(part, 2)[2:-1] for part in arguments)
    text = pickle.dumps(module, 4)[11:-2], pickle.dumps(function, 4)[11:-2]
    name_line = f"{module}\n{function}\n".encode()
    return {
        "reduce": b"\x80\x02c" + name_line + argument + b"R.",
        "stack_global": b"\x80\x04" + text[0] + text[1] + b"\x93" + argument + b"R.",
        "inst": b"(" + inner + b"i" + name_line + b".",
        "obj": b"(c" + name_line + inner + b"o.",
        "newobj": b"\x80\x02c" + name_line + argument + b"\x81.",
        "newobj_ex": b"\x80\x04c" + name_line + argument + b"}\x92.",
        "in_a_dict": b"\x80\x02}X\x01\x00\x00\x00ac" + name_line + argument + b"Rs.",
        "build": b"\x80\x02ccollections\nOrderedDict\n)Rc" + name_line + argument + b"Rb.",
    }


DANGEROUS = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "builtins.getattr",
    "builtins.__import__",
    "subprocess.Popen",
    "importlib.import_module",
    "torch.load",
    "numpy.load",
    "operator.attrgetter",
    "functools.partial",
    "torch.hub.load",
    "pickle.loads",
    "copyreg.__newobj__",
    "numpy.core.multiarray.fromfile",
]


@pytest.mark.parametrize("name", DANGEROUS)
def test_functions_are_refused_by_name(name: str):
    for how, data in calling(name, "echo gancore").items():
        with pytest.raises(CheckpointError) as raised:
            read(data)
        assert f"asks for {name.replace('numpy.core', 'numpy._core')}" in str(raised.value), how


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02cbuiltins\nobject\n)R.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02K\x01)R.",
        b"\x80\x02ccopyreg\n_reconstructor\nctorch\nTensor\ncbuiltins\nobject\nN\x87R.",
        b"\x80\x04\x8c\x02os\x8c\x06systemh\x00\x93.",
    ],
    ids=["object", "storage", "number", "reconstructor", "stack"],
)
def test_nothing_else_is_called(data: bytes):
    with pytest.raises(CheckpointError):
        read(data)


HOSTILE = {
    "empty": b"",
    "no_stop": b"\x80\x04K\x01",
    "short_bytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "short_text": b"\x80\x04\x8d\xff\xff\xff\xff\x00\x00\x00\x00abc.",
    "short_frame": b"\x80\x04\x95\xff\xff\xff\xff\x00\x00\x00\x00N.",
    "memory": b"\x80\x02Nr\xff\xff\xff\xff.",
    "recall": b"\x80\x02h\x07.",
    "underflow": b"\x80\x02R.",
    "no_mark": b"\x80\x02t.",
    "below_the_mark": b"\x80\x02]K\x01(a.",
    "negative": b"\x80\x02T\xff\xff\xff\xffabc.",
    "long_integer": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "digits": b"I" + b"9" * 5000 + b"\n.",
    "protocol": b"\x80\x09N.",
    "extension": b"\x80\x02\x82\x01.",
    "buffer": b"\x80\x05\x97.",
    "persistent": b"\x80\x02K\x01Q.",
    "operation": b"\x80\x02\xffN.",
    "key": b"\x80\x02}]K\x01s.",
    "nested_key": b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"K\x01s.",
    "set_of_lists": b"\x80\x04\x8f(]\x90.",
    "set_item_of_number": b"\x80\x02K\x01K\x02K\x03s.",
    "append_to_dict": b"\x80\x02}K\x03a.",
    "half_a_pair": b"\x80\x02}(K\x01u.",
    "many": b"\x80\x02" + b"]" * 4_000_000 + b".",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(name: str):
    with pytest.raises(CheckpointError) as raised:
        read(HOSTILE[name])
    assert len(str(raised.value)) < 200


def test_deep_containers_are_read_without_recursion():
    depth = 100_000
    value = read(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".")
    for _ in range(depth - 1):
        (value,) = value
    assert value == []


def test_repeated_text_is_paid_for():
    """A short file that makes the same long bytes again and again."""
    text = pickle.dumps("x" * 3000, 2)[2:-1]
    data = b"\x80\x02(" + (b"c_codecs\nencode\n" + text + b"\x85R") + b"c_codecs\nencode\nh\x00\x85R" * 200_000 + b"l."
    with pytest.raises(CheckpointError, match="memory"):
        read(data)
