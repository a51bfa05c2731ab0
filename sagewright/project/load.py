"""Reads a project file and finds everything that is wrong with it, before anything else runs."""

from pathlib import Path
from typing import Any

from sagewright.project import (
    approval,
    delivery,
    feature_checks,
    fields,
    join_checks,
    monitoring,
    names,
    repository,
    source,
)
from sagewright.project.document import Document, KeyPath, dotted, read
from sagewright.project.finding import Finding
from sagewright.project.merge import Values, override
from sagewright.project.messages import shown, unknown_key
from sagewright.project.model import Delivered, Environment, Identity, Placement, Project, Sections, Stored
from sagewright.project.problems import Problem, ProjectError
from sagewright.project.sections import Checked, parse

FILE_NAME = "project.yaml"
_SECTIONS = list(Sections.model_fields)
_DELIVERED = list(Delivered.model_fields)
_TOP = [*Identity.model_fields, "features", *_DELIVERED, "environments", *_SECTIONS]
_OF_ENVIRONMENT = [*Placement.model_fields, *_SECTIONS]
# What is about an environment's own account: every environment has it, and none gives it to another.
_OWN = ("network", "security")
# What is about an endpoint.
_OF_SERVING = ("serving", "monitoring")


def load(path: Path) -> Project:
    """Read a project from its file or the folder that holds it; raises ProjectError with every problem found."""
    file = path / FILE_NAME if path.is_dir() else path
    document = read(file)
    reader = _Reader(document, file.resolve().parent)
    project = reader.project()
    problems = dict.fromkeys((*document.problems, *reader.problems))
    if problems or project is None:
        raise ProjectError(sorted(problems, key=lambda problem: problem.line or 0))
    return project


class _Reader:
    """Makes a project of a document, noting each problem at the line that brought it about."""

    def __init__(self, document: Document, root: Path) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._content = document.content
        self._root = root
        self._base: Values = {key: self._content[key] for key in _SECTIONS if key in self._content}

    def project(self) -> Project | None:
        """Read all of it; None as soon as there is a problem to tell."""
        self._refuse_unknown(self._content, (), _TOP)
        identity = self._identity()
        checked = Checked(self._base, self._root)
        self._note(checked.findings)
        delivered = self._delivered()
        stored = self._stored(identity)
        places = self._places(identity)
        merged = self._merged(checked)
        self._hold_to_one_region(places)
        self._hold_accounts_together(places)
        if identity is not None:
            self._hold_names(identity.name, places, delivers=delivered is not None and delivered.repository is not None)
        if stored is not None:
            self._hold_features(stored, identity, places, merged)
        self._hold_boundaries(places, merged)
        self._hold_monitors(places, merged)
        if delivered is not None:
            self._hold_approval(delivered, next(iter(merged.values()), None))
            self._hold_account(delivered, places)
        if self.problems or self._document.problems or identity is None or delivered is None or stored is None:
            return None
        environments = tuple(
            Environment.model_validate({"name": name, **dict(place), **merged[name].sections()})
            for name, place in places.items()
        )
        return Project(**dict(identity), **dict(stored), **dict(delivered), environments=environments, root=self._root)

    def _identity(self) -> Identity | None:
        values = {key: self._content[key] for key in Identity.model_fields if key in self._content}
        identity, findings = parse(Identity, values)
        self._note(findings)
        return identity

    def _delivered(self) -> Delivered | None:
        """Read how the project is delivered, and refuse what goes with no repository or not with the one there is."""
        values = {key: self._content[key] for key in _DELIVERED if key in self._content}
        delivered, findings = parse(Delivered, values)
        self._note(findings)
        if delivered is None:
            return None
        if delivered.repository is None:
            for key in values:
                if key != "repository":
                    self._problem((key,), "would be ignored, because there is no `repository`; add one, or remove it")
        else:
            self._note([*delivery.check(delivered.delivery, delivered.repository.name)])
            self._note([*source.sample(self._root, delivered.delivery)])
            self._note([*repository.check(delivered.repository, delivered.delivery)])
        return delivered

    def _stored(self, identity: Identity | None) -> Stored | None:
        """Read the feature groups, and hold each of them to what AWS takes."""
        values = {key: self._content[key] for key in Stored.model_fields if key in self._content}
        stored, findings = parse(Stored, values)
        self._note(findings)
        if stored is not None:
            self._note([*feature_checks.groups(stored.features, identity.name if identity else None, self._root)])
        return stored

    def _hold_features(
        self, stored: Stored, identity: Identity | None, places: dict[str, Placement], merged: dict[str, Checked]
    ) -> None:
        """Hold the groups to names that AWS takes, and what is joined to the groups."""
        if identity is not None:
            self._note([*feature_checks.length(stored.features, identity.name, places)])
        trains = next(iter(merged), None)
        data = merged[trains].data if trains is not None else None
        if trains is None or data is None:
            return
        self._note([*feature_checks.reached(stored.features, [each.group for each in data.join or ()], places)])
        for finding in join_checks.check(data, stored.features, source.labelled_columns(self._root, data)):
            overriding = ("environments", trains, *finding.path)
            own = overriding[:4] in self._document.lines
            self._problem(overriding if own else finding.path, finding.message)

    def _hold_approval(self, delivered: Delivered, trained: Checked | None) -> None:
        """Hold the approval to what the first environment's evaluation compares."""
        if trained is not None and trained.evaluation is not None:
            compares = trained.evaluation.champion is not None
            self._note([*approval.check(delivered.approval, compares=compares)])

    def _hold_account(self, delivered: Delivered, places: dict[str, Placement]) -> None:
        """Refuse a first environment without an account where another system's files name roles of it."""
        provider = delivered.delivery.provider
        for name, place in list(places.items())[:1] if delivered.repository and delivered.delivery.elsewhere else []:
            if place.account is None:
                message = f"is required with {provider}: what is written for it names roles of that account"
                self._problem(("environments", name, "account"), message)

    def _declared(self) -> Values:
        declared = self._content.get("environments")
        return declared if isinstance(declared, dict) else {}

    def _places(self, identity: Identity | None) -> dict[str, Placement]:
        """Read where each environment is, with the project's tags merged into its own."""
        declared = self._declared()
        if not declared:
            received = self._content.get("environments")
            fault = "is required" if received is None else f"{shown(received)} names no environment"
            self._problem(("environments",), f"{fault}; write at least one, such as `dev: {{region: eu-west-1}}`")
        places: dict[str, Placement] = {}
        for name, entry in declared.items():
            here = ("environments", name)
            try:
                fields.environment_name(name)
            except ValueError as error:
                self._problem(here, str(error))
            if not isinstance(entry, dict):
                self._problem(here, f"{shown(entry)} stands where keys belong; write `region: eu-west-1` below it")
                continue
            self._refuse_unknown(entry, here, _OF_ENVIRONMENT)
            values = {key: entry[key] for key in Placement.model_fields if key in entry}
            place, findings = parse(Placement, values, here)
            self._note(findings)
            if place is not None:
                places[name] = self._with_tags(place, identity, here)
        return places

    def _with_tags(self, place: Placement, identity: Identity | None, here: KeyPath) -> Placement:
        merged = (identity.tags if identity else {}) | place.tags
        try:
            fields.tags(merged)
        except ValueError as error:
            self._problem((*here, "tags"), f"with the project's own, {error}")
        return place.model_copy(update={"tags": merged})

    def _merged(self, base: Checked) -> dict[str, Checked]:
        """Check the sections of each environment: what it overrides, over what the first one trains with.

        What is an environment's own is laid over the project's and over no other environment's.
        """
        merged: dict[str, Checked] = {}
        values, inherited = self._base, base
        for position, (name, entry) in enumerate(self._declared().items()):
            here = ("environments", name)
            alone = len(self._declared()) == 1
            overrides = self._overrides(here, entry, trains=position == 0, serves=position > 0 or alone)
            own, own_values = inherited, values
            if overrides:
                own_values = override(values, overrides)
                own = Checked(own_values, self._root)
                self._note_overridden(here, overrides, own, inherited)
            if position == 0:
                values, inherited = own_values, own
                if any(section in overrides for section in _OWN):
                    values = {key: each for key, each in own_values.items() if key not in _OWN}
                    values |= {key: self._base[key] for key in _OWN if key in self._base}
                    inherited = Checked(values, self._root)
            merged[name] = own
        return merged

    def _overrides(self, here: KeyPath, entry: Any, *, trains: bool, serves: bool) -> Values:
        """Take the sections that an environment may override, and refuse those that would be ignored."""
        taken: Values = {}
        for section in _SECTIONS if isinstance(entry, dict) else []:
            if section not in entry:
                continue
            used = serves if section in _OF_SERVING else trains
            if used or section in _OWN:
                taken[section] = entry[section]
                continue
            why = (
                "serves nothing: the later ones do" if section in _OF_SERVING else "does not train: the first one does"
            )
            self._problem((*here, section), f"would be ignored, because this environment {why}; remove it")
        return taken

    def _hold_to_one_region(self, places: dict[str, Placement]) -> None:
        """Refuse a second region: a release carries the model there, but not yet the image."""
        for name, place in list(places.items())[1:]:
            first, home = next(iter(places.items()))
            if place.region != home.region:
                message = f"'{place.region}' is not {first}'s ({home.region}), and a release cannot change region yet"
                self._problem(("environments", name, "region"), f"{message}; write {home.region}")

    def _hold_accounts_together(self, places: dict[str, Placement]) -> None:
        """Refuse a left-out account beside named ones: a template of one environment names the accounts of others."""
        if any(place.account is not None for place in places.values()):
            for name, place in places.items():
                if place.account is None:
                    message = "is required here, because other environments name theirs; name every account, or none"
                    self._problem(("environments", name, "account"), message)

    def _hold_names(self, project: str, places: dict[str, Placement], *, delivers: bool) -> None:
        """Send the reader to the longer of the two names that a derived name is made of."""
        for name, place in places.items():
            for fault in names.faults(project, name, place.region, delivers=delivers):
                if len(project) >= len(name):
                    self._problem(("name",), f"'{project}' {fault}")
                else:
                    self._problem(("environments", name), f"'{name}' {fault}")

    def _hold_boundaries(self, places: dict[str, Placement], merged: dict[str, Checked]) -> None:
        """Refuse a permissions boundary of another account, which IAM cannot put on a role."""
        for name, place in places.items():
            security = merged[name].security
            account = security.boundary_account if security else None
            if account is not None and place.account is not None and account != place.account:
                overriding = ("environments", name, "security", "permissions_boundary")
                own = overriding in self._document.lines
                self._problem(
                    overriding if own else ("security", "permissions_boundary"),
                    f"is a policy of account {account}, and IAM takes only one of {name}'s own ({place.account}); "
                    "write the policy's name, which stands for the one in each account",
                )

    def _hold_monitors(self, places: dict[str, Placement], merged: dict[str, Checked]) -> None:
        """Refuse an engine where AWS does not have it, in the environments that serve."""
        serving = list(places.items())[1:] or list(places.items())
        for name, place in serving:
            section = merged[name].monitoring
            fault = monitoring.fault_of_region(section, place.region) if section else None
            if fault is not None:
                overriding = ("environments", name, "monitoring", "engine")
                own = overriding in self._document.lines
                self._problem(overriding if own else ("monitoring", "engine"), fault)

    def _refuse_unknown(self, values: Values, here: KeyPath, allowed: list[str]) -> None:
        for key in values:
            if key not in allowed:
                self._problem((*here, key), unknown_key(key, allowed))

    def _problem(self, path: KeyPath, message: str) -> None:
        self.problems.append(self._document.problem(path, message))

    def _note(self, findings: list[Finding]) -> None:
        for finding in findings:
            self._problem(finding.path, finding.message)

    def _note_overridden(self, here: KeyPath, overrides: Values, own: Checked, inherited: Checked) -> None:
        """Report what an override brought about, at its line; what was wrong without it is reported already."""
        for finding in own.findings:
            overriding = [(*here, *path) for path in (finding.path, *finding.related) if path[0] in overrides]
            place = next((path for path in overriding if path in self._document.lines), None)
            if place is None and finding in inherited.findings:
                continue
            line = self._document.lines[place or here]
            self.problems.append(Problem(self._document.file, line, dotted((*here, *finding.path)), finding.message))
