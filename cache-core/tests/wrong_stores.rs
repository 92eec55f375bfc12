//! The conformance suite under test: a right store passes it, and every wrong one is caught.
#![cfg(feature = "conformance")]

mod model;

use cache_core::conformance::{Case, Suite, Verdict};
use model::late::Late;
use model::{Flaw, Model};

fn suite(flaw: Flaw) -> Suite {
    Suite::new(move || async move { Model::new(flaw) }).in_virtual_time()
}

fn case(name: &str) -> Case {
    let case = Suite::cases().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("there is no case `{name}`"))
}

#[test]
fn a_right_store_passes_every_case() {
    for case in Suite::cases() {
        assert_eq!(suite(Flaw::None).run(&case), Verdict::Passed, "{}", case.name());
    }
}

/// No case takes for granted that an answer is there at once.
#[test]
fn a_right_store_whose_answers_take_a_while_passes_every_case() {
    let suite = Suite::new(|| async { Late::new(Model::new(Flaw::None)) }).in_virtual_time();
    for case in Suite::cases() {
        assert_eq!(suite.run(&case), Verdict::Passed, "{}", case.name());
    }
}

/// Each flaw, and the case that is there to catch it.
const CAUGHT_BY: [(Flaw, &str); 122] = [
    (Flaw::IgnoresLifetimes, "an_entry_is_gone_at_its_deadline"),
    (Flaw::ExpiresLate, "an_entry_is_gone_at_its_deadline"),
    (Flaw::RemovesPlainly, "a_read_of_what_has_expired_takes_nothing_fresh_away"),
    (Flaw::RoundsWhatIsLeftDown, "what_is_left_is_rounded_up"),
    (Flaw::PutKeepsTheLifetime, "a_put_replaces_the_lifetime"),
    (Flaw::TouchRevives, "a_touch_revives_nothing"),
    (Flaw::TouchOfZeroKeeps, "a_lifetime_of_zero_removes"),
    (Flaw::AddOverwrites, "an_add_stores_only_where_there_is_nothing"),
    (Flaw::AddLooksFirst, "of_many_adds_at_once_one_stores"),
    (Flaw::PullLooksFirst, "of_many_pulls_at_once_one_gets_it"),
    (Flaw::ForgetIsAlwaysTrue, "every_add_can_be_forgotten"),
    (Flaw::CountsInTwoSteps, "no_count_is_lost"),
    (Flaw::CountingProlongs, "counting_leaves_the_lifetime_alone"),
    (Flaw::CountersLiveForEver, "a_counter_is_created_with_the_default_lifetime"),
    (Flaw::CountersLiveForEver, "a_counter_may_be_created_with_a_lifetime_of_its_own"),
    (Flaw::CountersLiveAnHour, "a_counter_may_be_created_with_a_lifetime_of_its_own"),
    (Flaw::CountingProlongs, "a_counter_may_be_created_with_a_lifetime_of_its_own"),
    (Flaw::CountsOnWhereExpired, "an_expired_counter_starts_anew"),
    (Flaw::CountsWrap, "a_count_past_the_limit_is_refused"),
    (Flaw::CountsAnything, "what_is_no_integer_is_not_counted"),
    (Flaw::LosesTheOrder, "answers_come_in_the_order_asked"),
    (Flaw::AnswersADuplicateOnce, "answers_come_in_the_order_asked"),
    (Flaw::ForgetsDuplicatesTwice, "forgotten_keys_count_once"),
    (Flaw::FirstOfTwoStays, "of_two_with_one_key_the_later_stays"),
    (Flaw::TrimsKeys, "odd_keys_are_keys"),
    (Flaw::CutsKeys, "keys_of_any_length_are_kept_apart"),
    (Flaw::FlushLeavesTheEternal, "a_flush_removes_every_value"),
    (Flaw::KeepsOverAnything, "a_kept_object_is_left_out_where_the_value_has_changed"),
    (Flaw::ForgetsTags, "a_flush_of_one_tag_takes_its_entries_away"),
    (Flaw::FlushKeepsVersions, "a_flush_of_one_tag_takes_its_entries_away"),
    (Flaw::FlushOfValuesRenewsVersions, "a_flush_of_values_leaves_versions_alone"),
    (Flaw::ForgetsWhatWasReadBefore, "what_was_read_before_a_flush_is_not_served_after_it"),
    (Flaw::BearsOneTag, "a_flush_of_any_of_its_tags_takes_an_entry_away"),
    (Flaw::BearsSixteenTags, "a_hundred_keys_bear_a_hundred_tags"),
    (Flaw::AsOfBearsOneTag, "one_flushed_version_of_several_is_enough"),
    (Flaw::OneCurrentTagIsEnough, "a_flush_of_any_of_its_tags_takes_an_entry_away"),
    (Flaw::FlushesOneTag, "several_tags_are_flushed_at_once"),
    (Flaw::FlushOfNoTagsFlushesAll, "a_flush_of_no_tags_does_nothing"),
    (Flaw::FlushComesLate, "nothing_outlives_a_flush_of_its_tag_on_threads"),
    (Flaw::TagFlushTakesTheUntagged, "a_flush_of_any_of_its_tags_takes_an_entry_away"),
    (Flaw::TagFlushTakesAll, "several_tags_are_flushed_at_once"),
    (Flaw::TagFlushTakesTheKey, "a_tag_may_be_named_like_a_key"),
    (Flaw::FoldsTags, "odd_tags_are_tags_and_apart"),
    (Flaw::TrimsTags, "odd_tags_are_tags_and_apart"),
    (Flaw::CutsTags, "an_entry_bears_as_many_and_as_long_tags_as_are_allowed"),
    (Flaw::OneVersionForAll, "a_hundred_keys_bear_a_tag_each"),
    (Flaw::VersionsLoseTheOrder, "versions_come_in_the_order_asked"),
    (Flaw::VersionsChangeWhenAsked, "what_was_read_before_a_flush_is_not_served_after_it"),
    (Flaw::VersionsRepeat, "what_was_flushed_does_not_come_back"),
    (Flaw::PutKeepsTags, "a_put_under_other_tags_is_free_of_the_old_ones"),
    (Flaw::UntaggedPutKeepsTags, "a_put_without_tags_is_free_of_them"),
    (Flaw::PutManyTagsTheFirst, "many_are_put_under_tags_together"),
    (Flaw::PutManyForgetsWhatWasReadBefore, "many_are_put_under_tags_together"),
    (Flaw::TheTaggedLiveForEver, "a_lifetime_ends_what_is_tagged"),
    (Flaw::GetIgnoresTags, "a_flushed_entry_is_not_read"),
    (Flaw::HasIgnoresTags, "a_flushed_entry_is_not_read"),
    (Flaw::TtlIgnoresTags, "a_flushed_entry_is_not_read"),
    (Flaw::GetManyIgnoresTags, "a_flushed_entry_is_not_read"),
    (Flaw::KeptIgnoresTags, "a_flushed_entry_is_not_shared"),
    (Flaw::KeptOverlooksEntries, "a_shared_value_is_the_value"),
    (Flaw::KeepingForgetsTags, "a_flushed_entry_is_not_shared"),
    (Flaw::RemovesTheFlushedPlainly, "a_read_of_what_was_flushed_takes_nothing_fresh_away"),
    (Flaw::TakeIgnoresTags, "a_flushed_entry_cannot_be_taken"),
    (Flaw::TakesTheTaggedInTwoSteps, "of_many_takes_under_a_tag_one_gets_it"),
    (Flaw::ForgetIgnoresTags, "a_flushed_entry_cannot_be_forgotten"),
    (Flaw::ForgetManyIgnoresTags, "flushed_entries_are_not_counted_when_forgotten"),
    (Flaw::TouchIgnoresTags, "a_touch_revives_nothing_flushed"),
    (Flaw::TouchForgetsTags, "a_touch_keeps_the_tags"),
    (Flaw::TouchRenewsVersions, "nothing_outlives_a_flush_of_its_tag"),
    (Flaw::AddIgnoresTags, "an_add_over_what_was_flushed_stores"),
    (Flaw::AddKeepsTags, "an_add_over_what_was_flushed_stores"),
    (Flaw::FailedAddReplacesTags, "an_add_that_stores_nothing_changes_no_tags"),
    (Flaw::AddsOverTheFlushedInTwoSteps, "of_many_adds_over_what_was_flushed_one_stores"),
    (Flaw::CountsOnWhereFlushed, "a_flushed_counter_starts_anew"),
    (Flaw::CountingForgetsTags, "counting_keeps_tags_and_lifetime"),
    (Flaw::CountingReplacesTags, "counting_keeps_tags_and_lifetime"),
    (Flaw::CountersBearNothing, "a_counter_is_created_under_its_tags"),
    (Flaw::RefusedCountsReplaceTags, "what_is_no_integer_is_not_counted_under_tags"),
    (Flaw::CountsTheTaggedInDoubles, "integers_under_tags_are_exact"),
    (Flaw::CountsAnythingTagged, "what_is_no_integer_is_not_counted_under_tags"),
    (Flaw::AsOfBearsOneTag, "what_was_loaded_under_a_tag_goes_with_it"),
    (Flaw::ForgetsWhatWasReadBefore, "a_flush_of_a_tag_during_the_load_wins"),
    (Flaw::ForgetsWhatWasReadBefore, "a_load_that_flushes_its_own_tag_is_not_stored"),
    (Flaw::ForgetsWhatWasReadBefore, "who_calls_after_a_flush_of_a_tag_loads_anew"),
    (Flaw::OneVersionForAll, "a_flush_of_another_tag_does_not_matter_to_a_load"),
    (Flaw::VersionsChangeWhenAsked, "those_who_wait_under_a_tag_share_a_load"),
    (Flaw::RefusesTheOwner, "a_repeated_acquisition_is_one"),
    (Flaw::AnybodyReleases, "only_the_owner_renews_and_releases"),
    (Flaw::AnybodyRenews, "only_the_owner_renews_and_releases"),
    (Flaw::LeasesDoNotEnd, "a_lease_ends_at_its_deadline"),
    (Flaw::FencesRepeat, "one_holder_at_a_time"),
    (Flaw::FlushFreesLocks, "a_flush_of_values_leaves_locks_alone"),
    (Flaw::AcquiresInTwoSteps, "of_many_acquires_at_once_one_is_granted"),
    (Flaw::ReleasesInTwoSteps, "a_release_takes_nothing_that_was_granted_meanwhile"),
    (Flaw::RenewsInTwoSteps, "a_renewal_takes_nothing_that_was_granted_meanwhile"),
    (Flaw::AnybodyReleases, "a_stale_owner_leaves_the_successor_alone"),
    (Flaw::AnybodyRenews, "a_stale_owner_leaves_the_successor_alone"),
    (Flaw::FormerOwnersRelease, "a_stale_owner_leaves_the_successor_alone"),
    (Flaw::RenewalsRevive, "an_ended_lease_is_not_revived"),
    (Flaw::RenewalsAdd, "a_renewal_counts_from_now"),
    (Flaw::RenewalsNeverShorten, "a_renewal_counts_from_now"),
    (Flaw::ShowsTheEnded, "an_ended_lease_is_not_shown"),
    (Flaw::TakesTheEndedAway, "an_ended_lease_is_not_shown"),
    (Flaw::ShowsTheWholeLease, "what_is_left_of_a_lease_is_told"),
    (Flaw::TellsOfNothingLeft, "what_is_left_of_a_lease_is_told"),
    (Flaw::FencesRepeat, "fences_grow_whatever_ended_a_lease"),
    (Flaw::FencesFallAtTheEnd, "fences_grow_whatever_ended_a_lease"),
    (Flaw::FencesFallWhenTakenAway, "fences_grow_whatever_ended_a_lease"),
    (Flaw::FencesCountFromOne, "a_first_fence_is_about_the_time"),
    (Flaw::FencesAreNanoseconds, "a_first_fence_is_about_the_time"),
    (Flaw::LongLeasesWrap, "a_lease_may_be_long"),
    (Flaw::ReleasesWakeNobody, "who_waits_learns_of_a_release"),
    (Flaw::ReleasesWakeNobody, "who_waits_may_leave"),
    (Flaw::TakingAwayWakesNobody, "who_waits_learns_of_a_lease_that_was_taken_away"),
    (Flaw::EndsWakeNobody, "who_waits_learns_of_the_end_of_a_lease"),
    (Flaw::EarlierEndsWakeNobody, "who_waits_learns_of_a_lease_that_was_shortened"),
    (Flaw::EarlierEndsWakeNobody, "who_waits_learns_of_a_lease_that_begins_anew"),
    (Flaw::TellsOneOnly, "who_was_told_has_the_next_one_told"),
    (Flaw::WaitsForWhatIsFree, "who_waits_for_what_is_free_waits_for_nothing"),
    (Flaw::TrimsLocks, "names_of_locks_are_apart"),
    (Flaw::CutsLocks, "names_of_locks_are_apart"),
    (Flaw::ForgetFreesLocks, "names_of_locks_are_apart_from_keys"),
];

#[test]
fn every_wrong_store_is_caught_by_the_case_for_it() {
    // A failing case panics, which is what it is for; the messages would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    let uncaught: Vec<_> = CAUGHT_BY
        .iter()
        .filter(|(flaw, name)| !matches!(suite(*flaw).run(&case(name)), Verdict::Failed(_)))
        .collect();
    let _ = std::panic::take_hook();
    assert!(uncaught.is_empty(), "not caught: {uncaught:?}");
}
