//! Registered code held against a model: every mistake at once, then a table that requests look into.

use super::register::{Hooked, Registered};
use super::{Components, Logic, Moment, Needs, Point, Registry, Spot};
use carnet_kernel::{Code, suggest};
use carnet_model::{ActionIndex, Model, ModelView, Operation, Resource, ResourceIndex};
use std::collections::HashMap;
use std::sync::Arc;

/// The code of one model, by version, resource and point.
#[derive(Clone, Default)]
pub struct Logics {
    /// By version and by the index of the resource. Every request looks into it, and there are few
    /// of each: going through them is quicker than hashing.
    entries: Arc<[(u16, Vec<Points>)]>,
    pub(crate) components: Components,
    warnings: Vec<String>,
}

/// The points of one resource where code stands.
type Points = Vec<(Spot, Entry)>;

/// Where an entry is: as long as the code is held, it stays there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryPlace {
    version: usize,
    resource: usize,
    point: usize,
}

/// Code while it is registered.
type Entries = HashMap<(u16, ResourceIndex, Spot), Entry>;

/// The code at one point.
#[derive(Default)]
pub(crate) struct Entry {
    pub(crate) logic: Option<Arc<dyn Logic>>,
    hooks: Vec<(Moment, Arc<dyn Logic>)>,
}

impl Entry {
    /// The hooks of a moment, in order.
    pub(crate) fn hooks(&self, moment: Moment) -> impl Iterator<Item = &Arc<dyn Logic>> {
        self.hooks
            .iter()
            .filter(move |(at, _)| *at == moment)
            .map(|(_, logic)| logic)
    }

    /// Whether there are hooks at all.
    pub(crate) fn is_hooked(&self) -> bool {
        !self.hooks.is_empty()
    }

    /// Whether there are hooks of a moment.
    pub(crate) fn has_hooks(&self, moment: Moment) -> bool {
        self.hooks(moment).next().is_some()
    }

    /// The name of its logic, or of its first hook.
    pub(crate) fn name(&self) -> Option<&'static str> {
        let hook = self.hooks.first().map(|(_, hook)| hook);
        self.logic.as_ref().or(hook).map(|logic| logic.name())
    }

    pub(crate) fn is_late(&self) -> bool {
        self.logic.as_ref().is_some_and(|logic| logic.is_late())
    }

    /// What its code says that it refuses with, each once.
    fn codes(&self) -> Vec<Code> {
        let hooks = self.hooks.iter().map(|(_, logic)| logic);
        let all = self.logic.iter().chain(hooks);
        let mut codes: Vec<Code> = Vec::new();
        for code in all.filter_map(|logic| logic.codes()).flatten() {
            if !codes.contains(code) {
                codes.push(*code);
            }
        }
        codes
    }

    /// The codes that it says a request may be refused with, and whether all of it says so. What
    /// runs after the commit refuses nothing.
    pub(crate) fn refusals(&self) -> (Vec<Code>, bool) {
        let hooks = self.hooks.iter();
        let hooks = hooks.filter(|(moment, _)| *moment != Moment::AfterCommit);
        let all = self.logic.iter().chain(hooks.map(|(_, hook)| hook));
        let (mut codes, mut is_said) = (Vec::new(), true);
        for logic in all {
            is_said &= logic.codes().is_some();
            codes.extend(logic.codes().unwrap_or_default());
        }
        (codes, is_said)
    }
}

/// The code at one point, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The name of the logic's function.
    pub logic: Option<&'static str>,
    /// Whether it is late.
    pub late: bool,
    /// The hooks in the order in which they run.
    pub hooks: Vec<(Moment, &'static str)>,
    /// The codes that they say they refuse with.
    pub codes: Vec<Code>,
}

impl Registry {
    /// Holds everything that was registered against a model, each by the names of the versions that
    /// it runs in.
    ///
    /// Errors: every mistake, one sentence each.
    pub fn compile(&self, model: &Arc<Model>) -> Result<Logics, Vec<String>> {
        let views = ModelView::every(model);
        let mut faults = self.problems.clone();
        let mut entries = Entries::new();
        for registered in &self.logic {
            self.add_logic(registered, &views, &mut entries, &mut faults);
        }
        let mut hooks: Vec<&Hooked> = self.hooks.iter().collect();
        hooks.sort_by_key(|hooked| (hooked.hook.moment, hooked.hook.order));
        for hooked in hooks {
            self.add_hook(hooked, &views, &mut entries, &mut faults);
        }
        unserved(&views, &entries, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut warnings = self.told(&views);
        warnings.sort_unstable();
        warnings.dedup();
        Ok(Logics {
            entries: by_place(entries).into(),
            components: self.components.clone(),
            warnings,
        })
    }

    fn add_logic(
        &self,
        registered: &Registered,
        views: &[ModelView],
        entries: &mut Entries,
        faults: &mut Vec<String>,
    ) {
        let Registered {
            version,
            resource,
            point,
            logic,
        } = registered;
        let place = format!(
            "logic `{}` for {point} of `{resource}` in v{version}",
            logic.name()
        );
        let needs = needed(logic.as_ref());
        let mut wrong = needs.missing(&self.components);
        match views.iter().find(|view| view.version().0 == *version) {
            // By the names that it will meet.
            Some(view) => wrong.extend(needs.wrong(view)),
            None => {
                let known = views.iter().map(|view| format!("v{}", view.version().0));
                let known: Vec<String> = known.collect();
                wrong.push(format!(
                    "there is no such version; the definition has {}",
                    known.join(", ")
                ));
            }
        }
        faults.extend(wrong.into_iter().map(|why| format!("{place}: {why}")));
        let Some((resource, spot)) = found(&place, resource, point, views, faults) else {
            return;
        };
        let entry = entries.entry((*version, resource.index, spot)).or_default();
        match &entry.logic {
            None => entry.logic = Some(Arc::clone(logic)),
            Some(other) => faults.push(format!(
                "{place}: `{}` is registered there already",
                other.name()
            )),
        }
    }

    fn add_hook(
        &self,
        hooked: &Hooked,
        views: &[ModelView],
        entries: &mut Entries,
        faults: &mut Vec<String>,
    ) {
        let Hooked {
            resource,
            hook,
            logic,
        } = hooked;
        let (moment, point) = (hook.moment, &hook.point);
        let place = format!(
            "hook `{}` {} {point} of `{resource}`",
            logic.name(),
            moment.as_str()
        );
        let needs = needed(logic.as_ref());
        let missing = needs.missing(&self.components);
        faults.extend(missing.into_iter().map(|why| format!("{place}: {why}")));
        let Some((resource, spot)) = found(&place, resource, point, views, faults) else {
            return;
        };
        for view in met(resource, views) {
            let version = view.version().0;
            let wrong = needs.wrong(view);
            faults.extend(wrong.map(|why| format!("{place} in v{version}: {why}")));
        }
        let validates = matches!(
            spot,
            Spot::Action(_)
                | Spot::Operation(Operation::Create | Operation::Update | Operation::Patch)
        );
        if matches!(moment, Moment::BeforeValidate | Moment::AfterValidate) && !validates {
            faults.push(format!("{place}: there is no body to validate"));
        }
        if moment == Moment::AfterCommit && !spot.writes() {
            faults.push(format!("{place}: a read commits nothing"));
        }
        for view in views {
            let place = (view.version().0, resource.index, spot);
            let entry = entries.entry(place).or_default();
            entry.hooks.push((moment, Arc::clone(logic)));
        }
    }

    /// What people are told of everything that was registered.
    fn told(&self, views: &[ModelView]) -> Vec<String> {
        let mut told = Vec::new();
        for Registered { version, logic, .. } in &self.logic {
            let needs = needed(logic.as_ref());
            for view in views.iter().filter(|view| view.version().0 == *version) {
                told.extend(needs.told(view));
            }
        }
        for Hooked { logic, .. } in &self.hooks {
            let needs = needed(logic.as_ref());
            for view in views {
                told.extend(needs.told(view));
            }
        }
        told
    }
}

fn needed(logic: &dyn Logic) -> Needs {
    let mut needs = Needs::default();
    logic.needs(&mut needs);
    needs
}

/// The views in which requests meet a resource.
fn met<'v>(resource: &Resource, views: &'v [ModelView]) -> impl Iterator<Item = &'v ModelView> {
    let index = resource.index;
    views
        .iter()
        .filter(move |view| !view.resource(index).hidden)
}

/// What was registered as requests look for it.
fn by_place(entries: Entries) -> Vec<(u16, Vec<Points>)> {
    let mut placed: Vec<(u16, Vec<Points>)> = Vec::new();
    for ((version, resource, spot), entry) in entries {
        let known = placed.iter().position(|(known, _)| *known == version);
        let resources = match known {
            Some(place) => &mut placed[place].1,
            None => &mut placed.push_mut((version, Vec::new())).1,
        };
        let place = usize::from(resource.0);
        if resources.len() <= place {
            resources.resize_with(place + 1, Points::new);
        }
        resources[place].push((spot, entry));
    }
    placed
}

/// Operations that nobody carries out: those of a resource without a table where there is no logic.
fn unserved(views: &[ModelView], entries: &Entries, faults: &mut Vec<String>) {
    for view in views {
        let version = view.version().0;
        for resource in view.shown_resources().filter(|one| !one.has_table()) {
            for operation in resource.operations.iter() {
                let place = (version, resource.index, Spot::Operation(operation));
                let entry = entries.get(&place);
                if entry.is_none_or(|entry| entry.logic.is_none()) {
                    let (name, word) = (&resource.name, operation.as_str());
                    faults.push(format!(
                        "`{word}` of `{name}` in v{version}: the resource has no table, and no logic does it"
                    ));
                }
            }
        }
    }
}

/// The resource and the point that are meant.
fn found<'m>(
    place: &str,
    name: &str,
    point: &Point,
    views: &'m [ModelView],
    faults: &mut Vec<String>,
) -> Option<(&'m Resource, Spot)> {
    // Its own name, which some version may hide.
    let model = views.last()?.model();
    let Some(resource) = model.resource_named(name) else {
        let names = model.resources.iter().map(|known| known.name.as_str());
        let hint = suggest::hint(name, names);
        faults.push(format!("{place}: there is no such resource{hint}"));
        return None;
    };
    match point {
        Point::Operation(Operation::Batch) => {
            faults.push(format!(
                "{place}: a batch runs the code of its items; register it for create, update, \
                 patch or delete"
            ));
            None
        }
        Point::Operation(operation) if resource.operations.contains(*operation) => {
            Some((resource, Spot::Operation(*operation)))
        }
        Point::Operation(operation) => {
            faults.push(format!(
                "{place}: the resource does not offer `{}`",
                operation.as_str()
            ));
            None
        }
        Point::Action(action) => {
            if let Some(index) = resource.action_named(action) {
                return Some((resource, Spot::Action(index.0)));
            }
            let names = resource.actions.iter().map(|known| known.name.as_str());
            let hint = match Operation::parse(action) {
                Some(_) => "; an operation is registered as `Operation::…`".to_owned(),
                None => suggest::hint(action, names),
            };
            faults.push(format!("{place}: there is no such action{hint}"));
            None
        }
    }
}

impl Logics {
    /// Whether there is no code at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What people should know of the code before it is used.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The first of these operations of a resource round which code stands.
    pub(crate) fn standing(
        &self,
        version: u16,
        resource: ResourceIndex,
        operations: &[Operation],
    ) -> Option<Operation> {
        let mut operations = operations.iter().copied();
        operations.find(|operation| {
            let spot = Spot::Operation(*operation);
            self.entry(version, resource, spot).is_some()
        })
    }

    pub(crate) fn entry(
        &self,
        version: u16,
        resource: ResourceIndex,
        spot: Spot,
    ) -> Option<&Entry> {
        let place = self.place(version, resource, spot)?;
        Some(self.at(place))
    }

    pub(crate) fn place(
        &self,
        version: u16,
        resource: ResourceIndex,
        spot: Spot,
    ) -> Option<EntryPlace> {
        let mut versions = self.entries.iter();
        let version = versions.position(|(known, _)| *known == version)?;
        let resource = usize::from(resource.0);
        let points = self.entries[version].1.get(resource)?;
        let point = points.iter().position(|(known, _)| *known == spot)?;
        Some(EntryPlace {
            version,
            resource,
            point,
        })
    }

    /// The entry at a place that was found here.
    pub(crate) fn at(&self, place: EntryPlace) -> &Entry {
        // INVARIANT: nothing is added or removed once the code is compiled.
        let (_, resources) = &self.entries[place.version];
        &resources[place.resource][place.point].1
    }

    /// What stands at an operation, for people.
    pub fn describe(
        &self,
        version: u16,
        resource: ResourceIndex,
        operation: Operation,
    ) -> Described {
        self.described(version, resource, Spot::Operation(operation))
    }

    /// What stands at an action, for people.
    pub fn describe_action(
        &self,
        version: u16,
        resource: ResourceIndex,
        action: ActionIndex,
    ) -> Described {
        self.described(version, resource, Spot::Action(action.0))
    }

    /// Every code that some code says it refuses with.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        let resources = self.entries.iter().flat_map(|(_, resources)| resources);
        resources.flatten().flat_map(|(_, entry)| entry.codes())
    }

    fn described(&self, version: u16, resource: ResourceIndex, spot: Spot) -> Described {
        self.entry(version, resource, spot)
            .map_or_else(Described::default, |entry| Described {
                logic: entry.logic.as_ref().map(|logic| logic.name()),
                late: entry.is_late(),
                hooks: entry
                    .hooks
                    .iter()
                    .map(|(moment, logic)| (*moment, logic.name()))
                    .collect(),
                codes: entry.codes(),
            })
    }
}
