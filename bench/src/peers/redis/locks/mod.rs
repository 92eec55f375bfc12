//! Locks on a server: taken and given back, and waited for by many.

mod contended;
mod lockers;
mod uncontended;

use super::{Bench, Book};

pub(crate) fn run(bench: &Bench, book: &mut Book<'_>) {
    bench.empty_server();
    uncontended::run(bench, book);
    contended::run(bench, book);
}
