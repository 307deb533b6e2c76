//! Words for people: counted things and rows as columns. Not for output that programs read.

/// `1 error`, `2 errors`.
pub(crate) fn many(count: usize, word: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {word}{ending}")
}

/// Aligns all columns but the last; each row is one line.
pub(crate) fn align<const N: usize>(rows: &[[String; N]]) -> Vec<[String; N]> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter()
        .map(|row| {
            let mut index = 0;
            row.clone().map(|cell| {
                let width = widths[index];
                index += 1;
                if index == N {
                    cell
                } else {
                    format!("{cell:<width$}")
                }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["GET", "/a"], ["DELETE", "/b"]].map(|row| row.map(str::to_owned));
        assert_eq!(align(&rows), [["GET   ", "/a"], ["DELETE", "/b"]]);
    }
}
