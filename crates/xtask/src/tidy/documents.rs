//! Relative links in the project's own pages lead somewhere. Links to the outside and data that
//! came from elsewhere are not looked at.

use super::Problem;
use crate::tree::Tree;

/// Every link that leads nowhere.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts() {
        let is_page = path.ends_with(".md") && !path.contains("/data/");
        if !is_page {
            continue;
        }
        for (line, target) in links(text) {
            if let Some(message) = dead(tree, path, target) {
                problems.push(Problem::at(path, line, message));
            }
        }
    }
    problems
}

fn dead(tree: &Tree, page: &str, target: &str) -> Option<String> {
    let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
    let file = target.split('#').next().unwrap_or_default();
    if is_elsewhere || file.is_empty() {
        return None;
    }
    if file.starts_with('/') {
        return Some(format!(
            "`{target}` is no path inside the project; write it from this page"
        ));
    }
    let Some(path) = resolve(page, file) else {
        return Some(format!("`{target}` leads out of the project"));
    };
    (!tree.has(&path)).then(|| format!("`{target}` leads nowhere"))
}

/// The path from the root that `target` names on the page `page`.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The targets of `[text](target)` outside code, each with its line.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            continue;
        }
        // Every second part between backticks is code.
        for prose in line.split('`').step_by(2) {
            for rest in prose.split("](").skip(1) {
                if let Some((target, _)) = rest.split_once(')') {
                    let target = target.split(' ').next().unwrap_or_default();
                    found.push((index + 1, target.trim_matches(['<', '>'])));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn dead_links_are_told() {
        let page = "\
[a](../README.md) [`b`](errors/NOT_FOUND.md#x \"title\") [c](https://example.org/x)
[d](errors) [e](#here) `[f](nowhere)`
```
[g](nowhere)
```
[h](missing.md) [i](/docs) [j](../../out.md)
";
        let tree = Tree::of([
            ("README.md", ""),
            ("docs/guide.md", page),
            ("docs/errors/NOT_FOUND.md", ""),
            ("apps/passport/data/README.md", "[x](nowhere)"),
        ]);
        assert_eq!(
            told(&check(&tree)),
            [
                "docs/guide.md:6: `missing.md` leads nowhere",
                "docs/guide.md:6: `/docs` is no path inside the project; write it from this page",
                "docs/guide.md:6: `../../out.md` leads out of the project",
            ]
        );
    }
}
