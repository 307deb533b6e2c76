//! The two lists of `src/logic/mod.rs`, to which generated code is added at their marks. Pure: text
//! in, text out. A file whose marks are gone is left as it is.

/// Before this line stand the modules.
pub(crate) const MODULES: &str = "// carnet: modules";

/// Before this line stand the registrations.
pub(crate) const REGISTER: &str = "// carnet: register";

/// What is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// `mod products_create;`
    pub(crate) module: String,
    /// `.logic(v1, "products", Operation::Create, products_create::run)`; long ones have lines.
    pub(crate) call: String,
}

/// The text with what it lacked of the registration; nothing where a mark is gone.
pub(crate) fn add(text: &str, registration: &Registration) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let modules = mark(&lines, MODULES)?;
    mark(&lines, REGISTER)?;
    if !lines.iter().any(|line| line.trim() == registration.module) {
        let at = place(&lines, modules, &registration.module);
        lines.insert(at, registration.module.clone());
    }
    if !squeezed(text).contains(&squeezed(&registration.call)) {
        let mut at = mark(&lines, REGISTER)?;
        let indent = lines[at].len() - lines[at].trim_start().len();
        let indented = |line: &str| format!("{:width$}{line}", "", width = indent + 4);
        // A single call stands in the line of its builder; with a second one, each has its own.
        let above = at
            .checked_sub(1)
            .and_then(|above| lines[above].split_once("builder."));
        if let Some((before, first)) = above {
            let first = [format!("{before}builder"), indented(&format!(".{first}"))];
            lines.splice(at - 1..at, first);
            at += 1;
        }
        lines.splice(at..at, registration.call.lines().map(indented));
    }
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    Some(lines.join(ending) + ending)
}

fn mark(lines: &[String], mark: &str) -> Option<usize> {
    lines.iter().position(|line| line.trim() == mark)
}

/// Where a module belongs among those that stand right before the mark, which are sorted.
fn place(lines: &[String], mark: usize, module: &str) -> usize {
    let is_module = |line: &&String| line.starts_with("mod ") && line.ends_with(';');
    let above = lines[..mark].iter().rev().take_while(is_module).count();
    let first = mark - above;
    let name = |line: &str| line.trim_end_matches(';').to_owned();
    let before = lines[first..mark]
        .iter()
        .take_while(|line| name(line) < name(module));
    first + before.count()
}

/// Code without blanks and closing commas, however it is broken into lines.
fn squeezed(code: &str) -> String {
    let dense: String = code.chars().filter(|one| !one.is_whitespace()).collect();
    dense.replace(",)", ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = include_str!("template/logic.rs.txt");

    fn registration(module: &str, point: &str) -> Registration {
        Registration {
            module: format!("mod {module};"),
            call: format!(".logic(v1, \"products\", {point}, {module}::run)"),
        }
    }

    #[test]
    fn lines_are_added_at_their_marks_in_order() {
        let one = registration("products_create", "Operation::Create");
        let two = registration("boxes_delete", "Operation::Delete");
        let text = add(&add(FIRST, &one).unwrap(), &two).unwrap();
        let modules =
            "mod boxes_delete;\nmod notes_create;\nmod products_create;\n// carnet: modules";
        assert!(text.contains(modules), "{text}");
        let calls = "    builder
        .logic(v1, \"notes\", Operation::Create, notes_create::run)
        .logic(v1, \"products\", Operation::Create, products_create::run)
        .logic(v1, \"products\", Operation::Delete, boxes_delete::run)
    // carnet: register
";
        assert!(text.contains(calls), "{text}");
    }

    #[test]
    fn what_is_there_already_is_not_added_again() {
        let one = registration("products_create", "Operation::Create");
        let text = add(FIRST, &one).unwrap();
        assert_eq!(add(&text, &one).unwrap(), text);
        let broken = text.replace(
            "(v1, \"products\", Operation::Create, products_create::run)",
            "(\n  v1,\n  \"products\",\n  Operation::Create,\n  products_create::run,\n )",
        );
        assert_eq!(add(&broken, &one).unwrap(), broken);
    }

    #[test]
    fn without_marks_nothing_is_changed() {
        let one = registration("products_create", "Operation::Create");
        for mark in [MODULES, REGISTER] {
            assert_eq!(add(&FIRST.replace(mark, ""), &one), None);
        }
        assert_eq!(add("", &one), None);
    }

    #[test]
    fn line_breaks_stay_as_they_are() {
        let text = FIRST.replace('\n', "\r\n");
        let text = add(&text, &registration("a", "Operation::Read")).unwrap();
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    }
}
