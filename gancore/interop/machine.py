"""A restricted unpickler: reads the pickle language, protocols 0 to 5, and executes nothing.

It has its own interpreter, which looks up the names in a pickle in the table of constructors
(gancore.interop.constructors) and nowhere else; what is not there stops the reading with that name. Nothing is
imported, no attribute of a live object is set, and what is not data becomes a `Record`. Long byte strings stay where
they are in the file, as views of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gancore.errors import CheckpointError
from gancore.interop.cursor import SHORT, Cursor
from gancore.interop.values import Budget

LONGEST_NUMBER = 256
"""Longest integer: bytes, or characters of one in decimal."""
LARGEST_MEMO = 1 << 22

Names = Callable[[str, str], Any]
"""Returns the replacement for a name of a module. Raises CheckpointError if it is not allowed."""


class Maker:
    """An allowed constructor: makes data from arguments. `build` takes the state that a pickle sets later."""

    def __init__(self, name: str, make: Callable[..., Any]) -> None:
        self.name, self.make = name, make

    def __repr__(self) -> str:
        return self.name


class Buildable:
    """An object that a pickle completes later: `build` takes its state."""

    def build(self, state: Any) -> None:
        """Raises CheckpointError if the state has the wrong form."""
        raise NotImplementedError

    def value(self) -> Any:
        """Its replacement when reading is done."""
        return self


class Machine(Cursor):
    """Reads one pickle after another from bytes."""

    def __init__(
        self,
        data: memoryview,
        names: Names,
        budget: Budget,
        build: Callable[[Any, Any], None],
        new: Callable[[Any, Any], Any],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        """`names`, `build`, `new` and `persistent` define the meaning of a name, BUILD, NEWOBJ and a persistent id."""
        super().__init__(data, budget)
        self.names, self.build, self.new, self.persistent = names, build, new, persistent
        self.protocols: set[int] = set()
        self.asked: dict[str, None] = {}

    def read(self) -> Any:
        """The object of the next pickle. Raises CheckpointError."""
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        while True:
            self.budget.step()
            code = self.byte()
            if code == STOP:
                return self._pop()
            operation = OPERATIONS.get(code)
            if operation is None:
                raise CheckpointError(
                    f"is not a pickle, or is damaged: byte {self.place - 1} is {code:#04x}, no operation"
                )
            operation(self)

    # the stack

    def _pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise CheckpointError("is damaged: a pickle that pops from an empty stack")
        return self.stack.pop()

    def _top(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise CheckpointError("is damaged: a pickle that pops from an empty stack")
        return self.stack[-1]

    def _marked(self) -> list[Any]:
        if not self.marks:
            raise CheckpointError("is damaged: a pickle with a missing mark")
        mark = self.marks.pop()
        taken = self.stack[mark:]
        del self.stack[mark:]
        return taken

    def _push(self, value: Any) -> None:
        self.stack.append(value)

    def _remember(self, place: int) -> None:
        if not 0 <= place < LARGEST_MEMO:
            raise CheckpointError("is damaged: a pickle with an impossible memo index")
        self.memo[place] = self._top()

    def _recall(self, place: int) -> None:
        if place not in self.memo:
            raise CheckpointError("is damaged: a pickle that refers to a missing memo entry")
        self._push(self.memo[place])

    def _find(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise CheckpointError("is damaged: a pickle with a name that is not text")
        self.asked[f"{module}.{name}"] = None
        self._push(self.names(module, name))

    def _call(self, maker: Any, arguments: Any) -> None:
        if not isinstance(arguments, tuple):
            raise CheckpointError("is damaged: a pickle with a call that has no tuple of arguments")
        if not isinstance(maker, Maker):
            raise CheckpointError(f"asks to call {_named(maker)}")
        try:
            self._push(maker.make(*arguments))
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"is damaged: {maker.name} does not take the arguments there") from error

    def _set(self, target: Any, pairs: list[Any]) -> None:
        entries = _mapping(target)
        if len(pairs) % 2:
            raise CheckpointError("is damaged: a pickle with a key without a value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            entries[_key(key)] = value

    def _extend(self, target: Any, values: list[Any]) -> None:
        if not isinstance(target, list):
            raise CheckpointError(f"asks to append to {_named(target)}")
        target.extend(values)

    def _add(self, target: Any, values: list[Any]) -> None:
        if not isinstance(target, set):
            raise CheckpointError(f"asks to add to {_named(target)}")
        target.update(map(_key, values))

    def _persistent(self, identity: Any) -> None:
        if self.persistent is None:
            raise CheckpointError("refers to data outside the file")
        self._push(self.persistent(identity))

    # operations of more than one line

    def _global(self) -> None:
        self._find(self.line().decode("utf-8"), self.line().decode("utf-8"))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._find(module, name)

    def _inst(self) -> None:
        arguments = tuple(self._marked())
        self._global()
        self._call(self._pop(), arguments)

    def _obj(self) -> None:
        first, *arguments = self._marked() or [None]
        self._call(first, tuple(arguments))

    def _reduce(self) -> None:
        arguments = self._pop()
        self._call(self._pop(), arguments)

    def _newobj(self, with_keywords: bool) -> None:
        keywords = self._pop() if with_keywords else {}
        arguments = self._pop()
        if keywords:
            raise CheckpointError(f"asks to call {_named(self._top())} with keywords")
        self._push(self.new(self._pop(), arguments))

    def _build(self) -> None:
        state = self._pop()
        self.build(self._top(), state)

    def _int(self) -> None:
        line = self.line()
        self._push({b"00": False, b"01": True}.get(line, _int(line)))

    def _string(self) -> None:
        line = self.line()
        if len(line) < 2 or line[:1] not in b"'\"" or line[-1:] != line[:1]:
            raise CheckpointError("is damaged: a string without quotes")
        self._push(line[1:-1].decode("unicode_escape"))

    def _old_string(self, size: int) -> None:
        """A string of Python 2, which did not say whether it was text: short ones as text, long ones as bytes."""
        view = self.take(size)
        self._push(str(view, "latin-1") if size <= SHORT else view)

    def _long(self, size: int) -> None:
        if size > LONGEST_NUMBER:
            raise CheckpointError("has an integer that is too long")
        self._push(int.from_bytes(self.take(size), "little", signed=True))

    def _bytes(self, size: int) -> None:
        """Short ones as bytes, long ones as a view of the file."""
        view = self.take(size)
        self._push(bytes(view) if size <= SHORT else view)

    def _frame(self) -> None:
        size = self.number("<Q")
        if size > len(self.data) - self.place:
            raise CheckpointError(f"is truncated or damaged: {size} bytes should follow byte {self.place}")

    def _proto(self) -> None:
        protocol = self.byte()
        if protocol > 5:
            raise CheckpointError(f"is a pickle of protocol {protocol}; 0 to 5 are known")
        self.protocols.add(protocol)

    def _setitem(self) -> None:
        value, key = self._pop(), self._pop()
        self._set(self._top(), [key, value])

    def _append(self) -> None:
        value = self._pop()
        self._extend(self._top(), [value])

    def _drop_marked(self) -> None:
        self._marked()

    def _pop_any(self) -> None:
        if self.marks and len(self.stack) == self.marks[-1]:
            self.marks.pop()
        else:
            self._pop()

    def _tuple(self, size: int) -> None:
        values = [self._pop() for _ in range(size)]
        self._push(tuple(values[::-1]))

    def _dict(self) -> None:
        pairs = self._marked()
        self._push({})
        self._set(self._top(), pairs)


def _mapping(target: Any) -> dict[Any, Any]:
    """The dict that takes entries: the target itself, or the items of a record of a subclass of dict."""
    if isinstance(target, dict):
        return target
    items = getattr(target, "items", None)
    if isinstance(items, dict):
        return items
    raise CheckpointError(f"asks to set entries of {_named(target)}")


def _key(key: Any) -> Any:
    """A key of a plain type, or a tuple of such: no file can choose how it is hashed."""
    plain = (str, int, float, bool, bytes, type(None))
    if isinstance(key, plain) or (isinstance(key, tuple) and all(isinstance(part, plain) for part in key)):
        return key
    raise CheckpointError(f"has {_named(key)} for a key")


def _named(value: Any) -> str:
    """The name or the type of a value."""
    return getattr(value, "name", None) or f"a {type(value).__name__}"


def _int(line: bytes) -> int:
    if len(line) > LONGEST_NUMBER:
        raise CheckpointError("has an integer that is too long")
    try:
        return int(line.rstrip(b"L"))
    except ValueError as error:
        raise CheckpointError("is not a pickle, or is damaged: a malformed integer") from error


def _float(line: bytes) -> float:
    try:
        return float(line)
    except ValueError as error:
        raise CheckpointError("is not a pickle, or is damaged: a malformed number") from error


def _unknown(what: str) -> Callable[[Machine], None]:
    def refuse(_: Machine) -> None:
        raise CheckpointError(f"asks for {what}")

    return refuse


STOP = ord(".")
BY_CODE: Mapping[int | str, Callable[[Machine], None]] = {
    0x80: Machine._proto,
    0x95: Machine._frame,
    # the stack and the memory
    "(": lambda m: m.marks.append(len(m.stack)),
    "0": Machine._pop_any,
    "1": Machine._drop_marked,
    "2": lambda m: m._push(m._top()),
    "p": lambda m: m._remember(_int(m.line())),
    "q": lambda m: m._remember(m.byte()),
    "r": lambda m: m._remember(m.number("<I")),
    0x94: lambda m: m._remember(len(m.memo)),
    "g": lambda m: m._recall(_int(m.line())),
    "h": lambda m: m._recall(m.byte()),
    "j": lambda m: m._recall(m.number("<I")),
    # plain values
    "N": lambda m: m._push(None),
    0x88: lambda m: m._push(True),
    0x89: lambda m: m._push(False),
    "I": Machine._int,
    "L": lambda m: m._push(_int(m.line())),
    "J": lambda m: m._push(m.number("<i")),
    "K": lambda m: m._push(m.byte()),
    "M": lambda m: m._push(m.number("<H")),
    0x8A: lambda m: m._long(m.byte()),
    0x8B: lambda m: m._long(m.number("<i")),
    "F": lambda m: m._push(_float(m.line())),
    "G": lambda m: m._push(m.number(">d")),
    "S": Machine._string,
    "T": lambda m: m._old_string(m.number("<i")),
    "U": lambda m: m._old_string(m.byte()),
    "B": lambda m: m._bytes(m.number("<I")),
    "C": lambda m: m._bytes(m.byte()),
    0x8E: lambda m: m._bytes(m.number("<Q")),
    0x96: lambda m: m._bytes(m.number("<Q")),
    "V": lambda m: m._push(m.line().decode("raw_unicode_escape")),
    "X": lambda m: m._push(m.text(m.number("<I"))),
    0x8C: lambda m: m._push(m.text(m.byte())),
    0x8D: lambda m: m._push(m.text(m.number("<Q"))),
    # containers
    ")": lambda m: m._push(()),
    0x85: lambda m: m._tuple(1),
    0x86: lambda m: m._tuple(2),
    0x87: lambda m: m._tuple(3),
    "t": lambda m: m._push(tuple(m._marked())),
    "]": lambda m: m._push([]),
    "l": lambda m: m._push(m._marked()),
    "a": Machine._append,
    "e": lambda m: _into(m, m._extend),
    "}": lambda m: m._push({}),
    "d": Machine._dict,
    "s": Machine._setitem,
    "u": lambda m: _into(m, m._set),
    0x8F: lambda m: m._push(set()),
    0x90: lambda m: _into(m, m._add),
    0x91: lambda m: m._push(frozenset(map(_key, m._marked()))),
    # names and objects
    "c": Machine._global,
    0x93: Machine._stack_global,
    "R": Machine._reduce,
    "i": Machine._inst,
    "o": Machine._obj,
    0x81: lambda m: m._newobj(with_keywords=False),
    0x92: lambda m: m._newobj(with_keywords=True),
    "b": Machine._build,
    "P": lambda m: m._persistent(m.line().decode("utf-8")),
    "Q": lambda m: m._persistent(m._pop()),
    0x82: _unknown("an extension code"),
    0x83: _unknown("an extension code"),
    0x84: _unknown("an extension code"),
    0x97: _unknown("a buffer outside of the file"),
    0x98: _unknown("a buffer outside of the file"),
}
"""Operations of the pickle language (see pickletools) by number or letter, and what each does here."""

OPERATIONS: Mapping[int, Callable[[Machine], None]] = {
    code if isinstance(code, int) else ord(code): operation for code, operation in BY_CODE.items()
}


def _into(machine: Machine, put: Callable[[Any, list[Any]], None]) -> None:
    values = machine._marked()
    put(machine._top(), values)
