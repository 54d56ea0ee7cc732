"""Merging OpenAPI documents: a name that means different things gets the service's name before it.

A component is shared when every service that has it means the same by it, everything that it
refers to included.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
Component = tuple[str, str]  # section and name: ("schemas", "Page")

_POINTER = "#/components/"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def merge(documents: Mapping[str, Document]) -> dict[str, Any]:
    """Return the paths, tags, components and webhooks of all the documents, as one."""
    ambiguous = _ambiguous(documents)
    taken = {name for document in documents.values() for _, name in _components(document)}
    repeated = _repeated_operation_ids(documents)
    merged: dict[str, Any] = {"tags": [], "paths": {}, "components": {}}
    for service, document in documents.items():
        names = {component: _prefixed(service, component[1], taken) for component in ambiguous}
        part = _renamed(document, names)
        for operation in operations(part):
            if operation.get("operationId") in repeated:
                operation["operationId"] = f"{service}_{operation['operationId']}"
            if "security" in part:  # the service's default is not the suite's
                operation.setdefault("security", part["security"])
        known = {tag["name"] for tag in merged["tags"]}
        merged["tags"] += [tag for tag in part.get("tags", []) if tag["name"] not in known]
        merged["paths"] |= part.get("paths", {})
        for section, components in part.get("components", {}).items():
            merged["components"].setdefault(section, {}).update(components)
        if "webhooks" in part:
            merged.setdefault("webhooks", {}).update(part["webhooks"])
    return merged


def _ambiguous(documents: Mapping[str, Document]) -> set[Component]:
    meanings: dict[Component, list[Any]] = {}
    for document in documents.values():
        for component, meaning in _components(document).items():
            meanings.setdefault(component, []).append(meaning)
    ambiguous = {
        component
        for component, found in meanings.items()
        if any(meaning != found[0] for meaning in found)
    }
    shared = {component for component, found in meanings.items() if len(found) > 1} - ambiguous
    # Two schemas with the same words differ all the same when a word in them does.
    while spread := {c for c in shared if not ambiguous.isdisjoint(_references(meanings[c][0]))}:
        ambiguous |= spread
        shared -= spread
    return ambiguous


def _components(document: Document) -> dict[Component, Any]:
    return {
        (section, name): meaning
        for section, components in document.get("components", {}).items()
        for name, meaning in components.items()
    }


def _references(node: object) -> Iterator[Component]:
    if isinstance(node, str) and node.startswith(_POINTER):
        section, _, name = node.removeprefix(_POINTER).partition("/")
        yield section, name
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _prefixed(service: str, name: str, taken: set[str]) -> str:
    prefixed = f"{service.capitalize()}{name}"
    while prefixed in taken:
        prefixed += "_"
    return prefixed


def _renamed(document: Document, names: Mapping[Component, str]) -> dict[str, Any]:
    """Return a copy in which every mention of a renamed component follows."""
    schemes = {old: new for (section, old), new in names.items() if section == "securitySchemes"}

    def copy(node: Any) -> Any:
        if isinstance(node, str):
            reference = next(_references(node), None)
            new = names.get(reference) if reference else None
            return f"{_POINTER}{reference[0]}/{new}" if reference and new else node
        if isinstance(node, list):
            return [copy(value) for value in node]
        if isinstance(node, Mapping):
            return {
                key: _requirements(value) if _is_security(key, value) else copy(value)
                for key, value in node.items()
            }
        return node

    def _is_security(key: str, value: object) -> bool:
        return key == "security" and isinstance(value, list)

    def _requirements(alternatives: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {schemes.get(scheme, scheme): scopes for scheme, scopes in alternative.items()}
            for alternative in alternatives
        ]

    renamed: dict[str, Any] = copy(document)
    for section, components in renamed.get("components", {}).items():
        renamed["components"][section] = {
            names.get((section, name), name): meaning for name, meaning in components.items()
        }
    return renamed


def _repeated_operation_ids(documents: Mapping[str, Document]) -> set[str]:
    counts = Counter(
        operation["operationId"]
        for document in documents.values()
        for operation in operations(document)
        if "operationId" in operation
    )
    return {name for name, count in counts.items() if count > 1}


def operations(document: Document) -> Iterator[dict[str, Any]]:
    """Go through all the operations of a document."""
    for item in document.get("paths", {}).values():
        for method, operation in item.items():
            if method in _METHODS:
                yield operation
