//! The keys of a resource. Constraints and relations are in `constraint`, fields in `field`.

use super::Reader;
use crate::declared::{Grammar, Place, ResourceDecl, SearchDecl, TypeDecl};
use crate::report::Report;
use crate::syntax::{Entry, Kind, Name, Node, Span};
use crate::words;
use crate::{
    Concurrency, Deletion, FieldType, IdForm, IdRule, Journal, Operation, OperationSet, Storage,
    Tenancy,
};
use carnet_kernel::ApiVersion;

const ID_FORMS: &[(&str, IdForm)] = &[("ulid", IdForm::Ulid), ("uuid", IdForm::Uuid)];

impl Reader<'_> {
    /// Reads a resource. What is broken in it is reported and left out, so that others can still
    /// refer to it.
    pub(super) fn resource(&mut self, name: &Name, node: &Node) -> ResourceDecl {
        let mut resource = ResourceDecl {
            name: name.clone(),
            grammar: self.grammar,
            service: None,
            title: None,
            description: None,
            tenancy: Tenancy::Tenant,
            storage: Storage::Table,
            table: None,
            key: None,
            id: IdRule {
                form: IdForm::Ulid,
                client: false,
            },
            was: None,
            concurrency: Concurrency::None,
            deletion: Deletion::Hard,
            journal: Journal::Full,
            operations: OperationSet::all(),
            fields: Vec::new(),
            many: Vec::new(),
            uniques: Vec::new(),
            indexes: Vec::new(),
            search: SearchDecl::default(),
            actions: Vec::new(),
            lock: None,
            versions: Vec::new(),
        };
        self.resource_name(name);
        let what = format!("the resource `{}`", name.text);
        let Some(entries) = self.map(node, &what) else {
            return resource;
        };
        if super::get(entries, "storage")
            .is_some_and(|node| matches!(&node.kind, Kind::Text(text) if text == "platform"))
            && self.grammar != Grammar::Application
        {
            resource.storage = Storage::Platform;
            resource.operations = [Operation::List, Operation::Read].into_iter().collect();
        }
        if super::get(entries, "storage")
            .is_some_and(|node| matches!(&node.kind, Kind::Text(text) if text == "none"))
        {
            resource.storage = Storage::None;
            resource.operations = OperationSet::one_by_one();
        }
        let mut shared = None;
        let mut order: Option<Vec<String>> = None;
        let errors = self.report.errors();
        for entry in entries {
            self.resource_key(entry, &mut resource, &mut shared, &mut order);
        }
        // A mistyped key may be the one that is missed.
        if resource.fields.is_empty() && self.report.errors() == errors {
            self.report.error_hint(
                name.span,
                format!("{what} has no fields"),
                "declare at least one under `fields`",
            );
        }
        if let Some(span) = shared {
            match &mut resource.tenancy {
                Tenancy::Platform { shared } => *shared = true,
                Tenancy::Tenant => self.report.error_hint(
                    span,
                    "`shared` belongs to platform resources only",
                    "add `tenancy: platform`, or leave `shared` out",
                ),
            }
        }
        if resource.tenancy == (Tenancy::Platform { shared: true })
            && resource.deletion == Deletion::Soft
        {
            self.report.error_hint(
                name.span,
                "`delete: soft` does not go with `shared: true`: nobody can look at the references of all tenants",
                "leave one of them out",
            );
        }
        if let Some(order) = order {
            let place = |name: &str| order.iter().position(|known| known == name);
            resource
                .fields
                .sort_by_key(|field| place(&field.name.text).unwrap_or(usize::MAX));
        }
        self.platform_storage(&resource, entries);
        self.no_storage(&resource, entries);
        resource
    }

    fn resource_key(
        &mut self,
        entry: &Entry,
        resource: &mut ResourceDecl,
        shared: &mut Option<Span>,
        order: &mut Option<Vec<String>>,
    ) {
        let Entry { key, value } = entry;
        let label = format!("`{}`", key.text);
        let privileged = self.grammar != Grammar::Application;
        match key.text.as_str() {
            "title" => resource.title = self.text(value, &label).map(str::to_owned),
            "description" => resource.description = self.text(value, &label).map(str::to_owned),
            "tenancy" => {
                let choices = [
                    ("tenant", Tenancy::Tenant),
                    ("platform", Tenancy::Platform { shared: false }),
                ];
                if let Some(tenancy) = self.choice(value, &label, &choices) {
                    resource.tenancy = tenancy;
                }
            }
            "shared" => {
                if self.boolean(value, &label) == Some(true) {
                    *shared = Some(key.span);
                }
            }
            "storage" => self.storage(value),
            "id" => self.id_rule(value, &mut resource.id),
            "was" => resource.was = self.name(value, &label),
            "concurrency" => {
                let choices = [
                    ("none", Concurrency::None),
                    ("optimistic", Concurrency::Optimistic),
                ];
                if let Some(concurrency) = self.choice(value, &label, &choices) {
                    resource.concurrency = concurrency;
                }
            }
            "operations" => {
                if let Some(operations) = self.operations(value) {
                    resource.operations = operations;
                }
            }
            "delete" => {
                let choices = [Deletion::Hard, Deletion::Soft].map(|one| (one.as_str(), one));
                if let Some(deletion) = self.choice(value, &label, &choices) {
                    resource.deletion = deletion;
                }
            }
            "journal" => {
                let choices = [Journal::Full, Journal::Changed, Journal::Summary];
                let choices = choices.map(|one| (one.as_str(), one));
                if let Some(journal) = self.choice(value, &label, &choices) {
                    resource.journal = journal;
                }
            }
            "fields" => {
                let place = match resource.storage {
                    Storage::Table | Storage::None => Place::Record,
                    Storage::Platform => Place::Platform,
                };
                resource.fields = self.fields(value, place);
            }
            "many" => resource.many = self.many(value),
            // Those of fields may be there already, whichever key comes first.
            "unique" => resource.uniques = self.uniques(value),
            "indexes" => resource.indexes = self.indexes(value),
            "search" => resource.search = self.search(value, &[]),
            "actions" => resource.actions = self.actions(value),
            "lock" => resource.lock = self.name(value, &label),
            "versions" => resource.versions = self.overlays(value),
            "table" if privileged => resource.table = self.text(value, &label).map(str::to_owned),
            "key" if privileged => resource.key = self.name(value, &label),
            "service" if self.grammar == Grammar::Stored => {
                resource.service = self.text(value, &label).map(str::to_owned);
            }
            "order" if self.grammar == Grammar::Stored => *order = self.order(value),
            _ => {
                let what = format!("the resource `{}`", resource.name.text);
                let known = words::names(words::RESOURCE);
                self.unknown(key, &what, known, words::RESOURCE_LATER);
            }
        }
    }

    fn resource_name(&mut self, name: &Name) {
        if self.grammar != Grammar::Application {
            return;
        }
        if !self.camel_case(name, "the resource name") {
            return;
        }
        let text = name.text.as_str();
        if words::RESERVED_RESOURCES.contains(&text) {
            self.report.error_hint(
                name.span,
                format!("the resource name `{text}` is reserved: addresses of the API use it"),
                "choose another name",
            );
        } else if ApiVersion::is_meant(text) {
            self.report.error_hint(
                name.span,
                format!("the resource name `{text}` is reserved for a version of the API"),
                "choose another name",
            );
        } else if text.starts_with("carnet") || text.starts_with("sqlite") {
            self.report.error_hint(
                name.span,
                format!("the resource name `{text}` is reserved for the platform"),
                "choose a name that does not begin with `carnet` or `sqlite`",
            );
        }
    }

    fn storage(&mut self, node: &Node) {
        let Some(text) = self.word(node, "`storage`") else {
            return;
        };
        match text {
            "table" => {}
            "platform" if self.grammar != Grammar::Application => {}
            "none" => {}
            "platform" => self.report.error(
                node.span,
                "`storage: platform` is for the platform's own tables",
            ),
            other => self.report.error_near(
                node.span,
                format!("`storage` is `table` or `none`, not `{other}`"),
                other,
                ["table", "none"],
            ),
        }
    }

    fn id_rule(&mut self, node: &Node, rule: &mut IdRule) {
        match &node.kind {
            Kind::Text(_) => {
                if let Some(form) = self.choice(node, "`id`", ID_FORMS) {
                    rule.form = form;
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    match entry.key.text.as_str() {
                        "type" => {
                            if let Some(form) = self.choice(&entry.value, "`type`", ID_FORMS) {
                                rule.form = form;
                            }
                        }
                        "client" => {
                            rule.client = self
                                .boolean(&entry.value, "`client`")
                                .unwrap_or(rule.client);
                        }
                        _ => self.unknown(&entry.key, "`id`", words::names(words::ID), &[]),
                    }
                }
            }
            _ => self.wrong(
                node,
                "`id`",
                "`ulid`, `uuid` or a map of `type` and `client`",
            ),
        }
    }

    fn operations(&mut self, node: &Node) -> Option<OperationSet> {
        let Kind::List(items) = &node.kind else {
            self.wrong(node, "`operations`", "a list of operations");
            return None;
        };
        let mut operations: Vec<Operation> = Vec::new();
        for item in items {
            let Some(word) = self.word(item, "an operation") else {
                continue;
            };
            match Operation::parse(word) {
                Some(operation) if operations.contains(&operation) => self
                    .report
                    .error(item.span, format!("`{word}` stands twice in `operations`")),
                Some(operation) => operations.push(operation),
                None => {
                    let known = Operation::ALL.map(Operation::as_str);
                    let word = word.to_owned();
                    match operation_synonym(&word) {
                        Some(ours) => self.report.error_hint(
                            item.span,
                            format!("unknown operation `{word}`"),
                            format!("did you mean `{ours}`?"),
                        ),
                        None => self.report.error_near(
                            item.span,
                            format!("unknown operation `{word}`"),
                            &word,
                            known,
                        ),
                    }
                }
            }
        }
        if items.is_empty() {
            self.report.warning(
                node.span,
                "the resource offers no operation",
                "list those it offers, or leave `operations` out to offer all",
            );
        }
        let writes = |operation: &Operation| {
            !matches!(
                operation,
                Operation::List | Operation::Read | Operation::Batch
            )
        };
        if operations.contains(&Operation::Batch) && !operations.iter().any(writes) {
            self.report.warning(
                node.span,
                "`batch` without `create`, `update`, `patch` or `delete` can do nothing",
                "leave `batch` out",
            );
        }
        Some(operations.into_iter().collect())
    }

    pub(super) fn order(&mut self, node: &Node) -> Option<Vec<String>> {
        let Kind::List(items) = &node.kind else {
            self.wrong(node, "`order`", "a list of field names");
            return None;
        };
        items
            .iter()
            .map(|item| self.text(item, "a name in `order`").map(str::to_owned))
            .collect()
    }

    /// What a hand-written table cannot have.
    fn platform_storage(&mut self, resource: &ResourceDecl, entries: &[Entry]) {
        if resource.storage != Storage::Platform {
            if let Some(key) = &resource.key {
                self.report
                    .error(key.span, "`key` belongs to `storage: platform` only");
            }
            return;
        }
        for entry in entries {
            if [
                "unique",
                "indexes",
                "search",
                "many",
                "concurrency",
                "id",
                "was",
                "journal",
                "delete",
                "actions",
                "lock",
                "versions",
            ]
            .contains(&entry.key.text.as_str())
            {
                self.report.error(
                    entry.key.span,
                    format!("`{}` does not go with `storage: platform`", entry.key.text),
                );
            }
        }
        let reads: OperationSet = [Operation::List, Operation::Read].into_iter().collect();
        if resource.operations.iter().any(|one| !reads.contains(one)) {
            self.report.error(
                resource.name.span,
                "a platform table offers `list` and `read` only",
            );
        }
        for (word, missing) in [
            ("table", resource.table.is_none()),
            ("key", resource.key.is_none()),
        ] {
            if missing {
                self.report.error(
                    resource.name.span,
                    format!("a platform table needs `{word}`"),
                );
            }
        }
    }

    /// What a resource without a table cannot have: what is kept, and what the database looks at.
    fn no_storage(&mut self, resource: &ResourceDecl, entries: &[Entry]) {
        if resource.storage != Storage::None {
            return;
        }
        let refuse = |report: &mut Report, span, what: &str| {
            report.error(span, format!("{what} does not go with `storage: none`"));
        };
        for entry in entries {
            let key = entry.key.text.as_str();
            if [
                "unique",
                "indexes",
                "search",
                "many",
                "concurrency",
                "was",
                "journal",
                "delete",
                "lock",
                "table",
                "shared",
            ]
            .contains(&key)
            {
                refuse(self.report, entry.key.span, &format!("`{key}`"));
            }
        }
        if resource.id.client {
            let what = "`client: true` of `id`";
            refuse(self.report, resource.name.span, what);
        }
        if resource.operations.contains(Operation::Batch) {
            self.report.error_hint(
                resource.name.span,
                "the operation `batch` does not go with `storage: none`",
                "leave it out of `operations`",
            );
        }
        for field in &resource.fields {
            let span = field.name.span;
            if let Some(TypeDecl::Ref { to, .. }) = &field.kind {
                self.report.error_hint(
                    to.span,
                    format!(
                        "`{}` has no table that could refer to another",
                        resource.name.text
                    ),
                    "write `type: ulid`: the id of a record",
                );
            }
            if let Some(unique) = field.unique {
                refuse(self.report, unique, "`unique`");
            }
            if let Some(was) = &field.was {
                refuse(self.report, was.span, "`was`");
            }
            if field.caseless && matches!(field.kind, Some(TypeDecl::Plain(FieldType::Text { .. })))
            {
                refuse(
                    self.report,
                    span,
                    &format!("`caseless` of `{}`", field.name.text),
                );
            }
        }
    }
}

/// Our word for an operation as other systems call it.
fn operation_synonym(word: &str) -> Option<&'static str> {
    Some(match word {
        "get" | "show" | "retrieve" | "view" => "read",
        "index" | "all" => "list",
        "put" | "replace" | "edit" => "update",
        "post" | "insert" | "add" => "create",
        "remove" | "destroy" => "delete",
        "bulk" => "batch",
        _ => return None,
    })
}
