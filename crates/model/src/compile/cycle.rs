//! Cycles of required references: no first record of them could ever be made.

use super::build::Draft;
use crate::report::Report;
use crate::{FieldIndex, FieldType};

/// Reports every cycle, each resource in one of them at most.
pub(super) fn cycles(drafts: &[Draft<'_>], report: &mut Report) {
    let edges: Vec<Vec<(FieldIndex, usize)>> = drafts.iter().map(required).collect();
    let mut alive = vec![true; drafts.len()];
    loop {
        peel(&edges, &mut alive);
        let Some(start) = alive.iter().position(|alive| *alive) else {
            return;
        };
        let cycle = walk(start, &edges, &alive);
        tell(&cycle, drafts, report);
        for (at, ..) in &cycle {
            alive[*at] = false;
        }
        if cycle.is_empty() {
            return;
        }
    }
}

/// The required references of a resource.
fn required(draft: &Draft<'_>) -> Vec<(FieldIndex, usize)> {
    draft
        .resource
        .each_field()
        .filter_map(|(index, field)| match field.kind {
            FieldType::Ref { to, .. } if !field.optional => Some((index, usize::from(to.0))),
            _ => None,
        })
        .collect()
}

/// Takes away what leads to no cycle: again and again the resources that require nothing alive.
fn peel(edges: &[Vec<(FieldIndex, usize)>], alive: &mut [bool]) {
    let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    let mut open: Vec<usize> = vec![0; edges.len()];
    for (from, edges) in edges.iter().enumerate().filter(|(from, _)| alive[*from]) {
        for (_, to) in edges.iter().filter(|(_, to)| alive[*to]) {
            wanted_by[*to].push(from);
            open[from] += 1;
        }
    }
    let mut free: Vec<usize> = (0..edges.len())
        .filter(|at| alive[*at] && open[*at] == 0)
        .collect();
    while let Some(at) = free.pop() {
        alive[at] = false;
        for from in &wanted_by[at] {
            open[*from] -= 1;
            if open[*from] == 0 {
                free.push(*from);
            }
        }
    }
}

/// Follows living references from `start` until a resource comes again; gives that round.
fn walk(
    start: usize,
    edges: &[Vec<(FieldIndex, usize)>],
    alive: &[bool],
) -> Vec<(usize, FieldIndex)> {
    let mut path: Vec<(usize, FieldIndex)> = Vec::new();
    let mut place: Vec<Option<usize>> = vec![None; edges.len()];
    let mut at = start;
    loop {
        if let Some(first) = place[at] {
            return path.split_off(first);
        }
        let Some((field, next)) = edges[at].iter().find(|(_, to)| alive[*to]) else {
            return Vec::new();
        };
        place[at] = Some(path.len());
        path.push((at, *field));
        at = *next;
    }
}

fn tell(cycle: &[(usize, FieldIndex)], drafts: &[Draft<'_>], report: &mut Report) {
    let Some((first, field)) = cycle.first() else {
        return;
    };
    let mut path: Vec<String> = cycle
        .iter()
        .map(|(at, field)| {
            let resource = &drafts[*at].resource;
            format!("{}.{}", resource.name, resource.field(*field).declared)
        })
        .collect();
    path.push(drafts[*first].resource.name.clone());
    report.error_hint(
        drafts[*first].span(*field),
        format!(
            "these required references form a cycle, so that no first record can be made: `{}`",
            path.join(" → ")
        ),
        "make one of them optional",
    );
}
