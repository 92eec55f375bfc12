//! Who comes when in a round.

use crate::zipf::Random;

/// The order of so many contenders in a round. It is another one in each, so that nobody always comes after the same
/// other, whose traces lie in the processor's caches and in the heap; and the same in every run. Two take turns.
pub(crate) fn order(contenders: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..contenders).collect();
    if contenders == 2 {
        order.rotate_left(round % 2);
        return order;
    }
    let mut random = Random(round as u64);
    for last in (1..contenders).rev() {
        order.swap(last, random.next() as usize % (last + 1));
    }
    order
}
