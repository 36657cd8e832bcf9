"""Writes the reference pages of docs/plugins/ from the code: `python -m scripts.make_plugin_pages`.

A page a kind, from its contract, its skeleton and the registry; and a page on gancore.nn. The other pages of
docs/plugins/ are written by hand.
"""

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from gancore.cli.plugin_skeletons import COMMANDS, USES, kind_of, skeleton
from gancore.config.slots import ANY, SLOTS
from gancore.discovery import FIRST_PARTY, discover
from gancore.kinds import CONTRACTS, KINDS
from gancore.registry import PluginSpec
from scripts.make_public_names import definition, exported, parsed
from scripts.make_yaml_reference import rows

FOLDER = Path(__file__).parents[1] / "docs" / "plugins"
MADE = "<!-- made by `python -m scripts.make_plugin_pages`; edit the docstrings -->\n"
NETWORKS = ("Generator", "Discriminator", "Mapping", "Synthesis")


def pages() -> dict[str, str]:
    """The text of every generated page, by file name."""
    return {f"{kind}.md": kind_page(kind) for kind in KINDS} | {"nn.md": nn_page(), "change_one_thing.md": examples()}


def examples() -> str:
    """The files of examples/change_one_thing."""
    parts = ["# Change one thing of StyleGAN2", MADE]
    parts.append(
        "`gancore plugins compare generator attention.py:Attention16` trains one beside `skip` and `residual`."
    )
    for name in ("experiment.yaml", "attention.py", "upsampling.py", "torgb.py"):
        code = (FOLDER.parents[1] / "examples" / "change_one_thing" / name).read_text("utf-8")
        parts += [f"## {name}", f"```{'yaml' if name.endswith('yaml') else 'python'}\n{code}```"]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def kind_page(kind: str) -> str:
    parts = [f"# Kind `{kind}`", MADE, *chosen(kind), *contracts(kind), *skeletons(kind), *built_in(kind)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def chosen(kind: str) -> Iterator[str]:
    """Where an experiment chooses one."""
    places = [
        (".".join(map(str, slot.keys)).replace(ANY, "NAME"), slot.description) for slot in SLOTS if slot.kind == kind
    ]
    if places:
        yield "In an experiment it is chosen here:"
        yield rows(("key", "meaning"), ((f"`{key}`", meaning) for key, meaning in places))
    else:
        yield "No experiment chooses one: commands use it."
    yield "See also the [tutorial](tutorial.md), the [cookbook](cookbook.md), and [state and resume](state.md)."


def contracts(kind: str) -> Iterator[str]:
    """The classes that a plugin of the kind is derived from, and what else is in their file."""
    yield "## Contract"
    for name in CONTRACTS[kind]:
        yield from entries("gancore.contracts", name)
    module, _ = definition("gancore.contracts", CONTRACTS[kind][0])
    public = set(exported("gancore.contracts"))
    others = [name for name in exported(module) if name in public and name not in CONTRACTS[kind]]
    if others:
        yield "## Beside it"
        yield f"Also in `{module}`, imported from `gancore.contracts`:"
        for name in others:
            yield from entries("gancore.contracts", name)
    if "Part" in bases(CONTRACTS[kind][0]):
        yield "## Hooks"
        yield "As a part of networks, or beside them, it may have these hooks, too; the training loop calls them."
        yield from members(definition("gancore.contracts", "Part")[1])


def bases(name: str) -> set[str]:
    """The classes of the contracts that a class is derived from."""
    _, node = definition("gancore.contracts", name)
    own = {base.id for base in node.bases if isinstance(base, ast.Name)} if isinstance(node, ast.ClassDef) else set()
    return own.union(*(bases(base) for base in own if base in exported("gancore.contracts")))


def skeletons(kind: str) -> Iterator[str]:
    """How to begin, with the file that `new` writes."""
    yield "## Begin"
    for made in [made for made in (*USES, *COMMANDS) if kind_of(made) == kind]:
        yield f"`gancore plugins new {made} mine` writes this file; with `--package`, a distribution around it."
        yield f"```python\n{skeleton(made, 'mine')}```"
        if made in USES:
            yield f"An experiment uses it by\n\n```yaml\n{USES[made].format(name='mine')}\n```"


def built_in(kind: str) -> Iterator[str]:
    """gancore's own, from the registry."""
    yield "## Built in"
    specs = [spec for spec in discover().specs(kind) if spec.distribution == FIRST_PARTY]
    yield rows(("name", "what it is", "provides, requires", "source"), map(row, specs))


def row(spec: PluginSpec) -> tuple[str, str, str, str]:
    plugin = spec.load()
    words = [f"`{word}`" for word in sorted(plugin.provides)] + [f"needs `{word}`" for word in plugin.requires]
    return f"`{spec.name}`", spec.summary, ", ".join(words), spec.paper


def nn_page() -> str:
    """Everything that `gancore.nn` lists, by the module that defines it."""
    names = {name: definition("gancore.nn", name)[0] for name in exported("gancore.nn")}
    parts = ["# gancore.nn", MADE, "What plugins may import from `gancore.nn`. Shapes are in brackets: [N, C, H, W]."]
    parts.append("[Change one thing of StyleGAN2](change_one_thing.md) shows some of it at work.")
    for module, group in groupby(sorted(names, key=lambda name: (names[name], name)), key=lambda name: names[name]):
        if module != "gancore.nn.processes":
            title = module.removeprefix("gancore.nn.").removeprefix("kernels.").replace("_", " ").capitalize()
            parts += [f"## {title}", ast.get_docstring(parsed(module)) or ""]
            parts += [part for name in group for part in entries("gancore.nn", name)]
    parts += ["## Processes", ast.get_docstring(parsed("gancore.nn.processes")) or ""]
    parts += [part for name in ("mean", "sum", "size") for part in entries("gancore.nn.processes", name)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def entries(module: str, name: str) -> Iterator[str]:
    """A name with its signature and docstring; of a class its members, too."""
    _, node = definition(module, name)
    yield f"### {name}"
    if isinstance(node, ast.ClassDef):
        initial = next((f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
        given = ast.unparse(initial.args).removeprefix("self").removeprefix(", ") if initial else ""
        derived = f"  # derived from {', '.join(map(ast.unparse, node.bases))}" if node.bases else ""
        yield f"```python\nclass {name}({given}){derived}\n```"
        yield ast.get_docstring(node) or ""
        if initial and (text := ast.get_docstring(initial)):
            yield text
        yield from members(node)
    elif isinstance(node, ast.FunctionDef):
        yield f"```python\n{signature(node)}\n```"
        yield ast.get_docstring(node) or ""
    elif node is not None:
        yield f"```python\n{ast.unparse(node)}\n```"


def members(node: ast.stmt | None) -> Iterator[str]:
    """The public attributes and methods of a class, a list entry each."""
    assert isinstance(node, ast.ClassDef)
    lines = []
    for member, following in zip(node.body, [*node.body[1:], None], strict=True):
        match member:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                lines.append(item(signature(member), ast.get_docstring(member)))
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                lines.append(item(ast.unparse(member), attribute_doc(following)))
    yield "\n".join(lines)


def attribute_doc(following: ast.stmt | None) -> str | None:
    """The string after an attribute."""
    match following:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
    return None


def signature(function: ast.FunctionDef) -> str:
    """The first line of a function, without self and `def`; a property as an attribute."""
    marks = {ast.unparse(mark) for mark in function.decorator_list}
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    if "property" in marks:
        return f"{function.name}{returns.replace(' ->', ':', 1)}"
    given = ast.unparse(function.args)
    for own in ("self", "cls"):
        given = given.removeprefix(f"{own}, ") if given.startswith(f"{own}, ") else given.removeprefix(own)
    return f"{function.name}({given}){returns}"


def item(code: str, text: str | None) -> str:
    """A list entry; the paragraphs of its text are indented below it."""
    body = "" if text is None else ": " + " ".join(text.split("\n\n")[0].split())
    rest = [" ".join(paragraph.split()) for paragraph in (text or "").split("\n\n")[1:]]
    return f"* `{code}`{body}" + "".join(f"\n\n    {paragraph}" for paragraph in rest)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
