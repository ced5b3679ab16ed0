//! Strongly connected parts of a graph.

use std::collections::BTreeMap;

/// The parts of a graph in which each node reaches each other one, those of one node left out. Nodes in order.
pub(super) fn circles(arrows: &BTreeMap<usize, Vec<usize>>) -> Vec<Vec<usize>> {
    let mut search = Search { arrows, seen: BTreeMap::new(), open: Vec::new(), found: Vec::new() };
    for node in arrows.keys() {
        if !search.seen.contains_key(node) {
            search.visit(*node);
        }
    }
    search.found.sort();
    search.found
}

/// Tarjan's search: a node whose lowest reachable number is its own closes a part.
struct Search<'a> {
    arrows: &'a BTreeMap<usize, Vec<usize>>,
    /// The number of each node that was visited.
    seen: BTreeMap<usize, usize>,
    open: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, node: usize) -> usize {
        let number = self.seen.len();
        let mut lowest = number;
        self.seen.insert(node, number);
        self.open.push(node);
        for next in self.arrows.get(&node).into_iter().flatten() {
            let reached = match self.seen.get(next) {
                None => self.visit(*next),
                Some(number) if self.open.contains(next) => *number,
                Some(_) => continue,
            };
            lowest = lowest.min(reached);
        }
        if lowest == number {
            let start = self.open.iter().position(|open| *open == node).unwrap_or_default();
            let mut part = self.open.split_off(start);
            part.sort_unstable();
            if part.len() > 1 {
                self.found.push(part);
            }
        }
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let arrows =
            [(0, vec![1]), (1, vec![2, 3]), (2, vec![1]), (3, vec![4]), (4, vec![5]), (5, vec![3, 6]), (7, vec![7])];
        assert_eq!(circles(&arrows.into()), [vec![1, 2], vec![3, 4, 5]]);
        assert_eq!(circles(&[(0, vec![1, 2]), (1, vec![2]), (2, vec![])].into()), [[0; 0]; 0]);
    }
}
