//! Isolation forest: how easily a point is set apart from others by random cuts (F. T. Liu, K. M.
//! Ting, Z.-H. Zhou: "Isolation Forest", ICDM 2008).

/// Trees of a forest; the paper finds that more than a hundred change nothing, and half do for
/// advice.
const TREES: usize = 60;
/// Points that a tree is grown from, at most (the paper's sub-sampling size).
const SAMPLE_MAX: usize = 256;
/// Depth at which a tree ends. The binary logarithm of the sample's size would be eight; some cuts
/// lie beside all points.
const DEPTH_MAX: u32 = 12;
/// By how much of the points' span cuts may lie beside them, at either end. In the paper they lie
/// within: then a point far outside of all is not set apart from the outermost one.
const MARGIN: f64 = 0.5;

/// A node of a tree.
#[derive(Clone, Copy, Debug)]
enum Node {
    /// So many points end here.
    Leaf(u32),
    /// Points whose feature is less than `at` go left, the others right.
    Cut { feature: usize, at: f64, left: usize, right: usize },
}

/// A forest over points of `N` features.
#[derive(Clone, Debug, Default)]
pub struct Forest<const N: usize> {
    trees: Vec<Vec<Node>>,
    sample: usize,
}

impl<const N: usize> Forest<N> {
    /// A forest grown from points; the same points give the same forest.
    pub fn grow(points: &[[f64; N]]) -> Self {
        let mut chance = Chance(0x5eed);
        let sample = points.len().min(SAMPLE_MAX);
        let tree = |_| {
            let mut chosen: Vec<[f64; N]> = (0..sample)
                .filter_map(|_| points.get(chance.below(points.len())).copied())
                .collect();
            let mut nodes = Vec::new();
            grow(&mut nodes, &mut chosen, 0, &mut chance);
            nodes
        };
        Self { trees: (0..TREES).map(tree).collect(), sample }
    }

    /// How unlike the others a point is: over 0.5 is unusual, near 1 is alone, 0 without points.
    pub fn score(&self, point: &[f64; N]) -> f64 {
        if self.trees.is_empty() || self.sample < 2 {
            return 0.0;
        }
        let depths: f64 = self.trees.iter().map(|tree| depth(tree, point)).sum();
        (-(depths / self.trees.len() as f64) / usual_depth(self.sample as f64)).exp2()
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.trees.iter().map(|tree| tree.capacity() * size_of::<Node>()).sum()
    }
}

/// Grows a tree over points; its index.
fn grow<const N: usize>(
    nodes: &mut Vec<Node>,
    points: &mut [[f64; N]],
    depth: u32,
    chance: &mut Chance,
) -> usize {
    let index = nodes.len();
    nodes.push(Node::Leaf(u32::try_from(points.len()).unwrap_or(u32::MAX)));
    let feature = chance.below(N);
    let value = |point: &[f64; N]| point.get(feature).copied().unwrap_or_default();
    let (low, high) = points
        .iter()
        .map(value)
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if depth >= DEPTH_MAX || points.len() < 2 || low >= high {
        return index;
    }
    let margin = (high - low) * MARGIN;
    let at = low - margin + (high - low + 2.0 * margin) * chance.share();
    points.sort_unstable_by(|a, b| value(a).total_cmp(&value(b)));
    let middle = points.partition_point(|point| value(point) < at);
    let Some((less, more)) = points.split_at_mut_checked(middle) else { return index };
    let left = grow(nodes, less, depth + 1, chance);
    let right = grow(nodes, more, depth + 1, chance);
    if let Some(node) = nodes.get_mut(index) {
        *node = Node::Cut { feature, at, left, right };
    }
    index
}

/// How deep a point goes in a tree, what the leaf would hold further counted in.
fn depth<const N: usize>(tree: &[Node], point: &[f64; N]) -> f64 {
    let (mut at, mut deep) = (0, 0.0);
    while let Some(Node::Cut { feature, at: cut, left, right }) = tree.get(at) {
        let value = point.get(*feature).copied().unwrap_or_default();
        at = if value < *cut { *left } else { *right };
        deep += 1.0;
    }
    match tree.get(at) {
        Some(Node::Leaf(points)) => deep + usual_depth(f64::from(*points)),
        _ => deep,
    }
}

/// Mean depth of an unsuccessful search in a binary tree of so many points (equation 1).
fn usual_depth(points: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if points < 2.0 {
        return 0.0;
    }
    2.0 * ((points - 1.0).ln() + EULER) - 2.0 * (points - 1.0) / points
}

/// Numbers that look random and are the same in every run (SplitMix64 by S. Vigna, public domain).
struct Chance(u64);

impl Chance {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// From 0 up to `end`, without it.
    const fn below(&mut self, end: usize) -> usize {
        (self.next() % if end == 0 { 1 } else { end as u64 }) as usize
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_apart_scores_high_and_the_same_each_time() {
        let mut chance = Chance(1);
        let crowd: Vec<[f64; 2]> = (0..500).map(|_| [chance.share(), chance.share()]).collect();
        let forest = Forest::grow(&crowd);
        let (inside, outside) = (forest.score(&[0.5, 0.5]), forest.score(&[9.0, -7.0]));
        assert!(inside < 0.5 && outside > 0.7, "{inside} {outside}");
        assert!(
            Forest::grow(&crowd).score(&[0.1, 0.9]).total_cmp(&forest.score(&[0.1, 0.9])).is_eq()
        );
        assert!(Forest::grow(&[[1.0, 1.0]; 300]).score(&[5.0, 5.0]) < 0.51);
        assert!(Forest::<2>::default().score(&[0.0, 0.0]).abs() < f64::EPSILON);
    }
}
