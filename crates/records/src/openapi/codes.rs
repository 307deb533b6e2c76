//! What operations can fail with: by what they are, and by the code that stands round them. Every
//! code that an answer can carry is here, because the document names those of each status.

use crate::logic::Spot;
use crate::offered::Offered;
use carnet_kernel::{Code, Stage};
use carnet_model::{Action, Concurrency, Operation, Resource, ResourceIndex};
use carnet_web::openapi::Failures;

/// What any read can meet.
pub(super) const READ: [Code; 7] = [
    Code::MalformedRequest,
    Code::UnknownParameter,
    Code::InvalidParameter,
    Code::UnknownField,
    Code::UnknownOperator,
    Code::AnswerTooLarge,
    Code::NotAcceptable,
];

/// What any write can meet; an answer that is given again is read first.
pub(super) const CHANGE: [Code; 9] = [
    Code::IdempotencyInProgress,
    Code::ReplayUnavailable,
    Code::IdempotencyKeyReused,
    Code::MalformedRequest,
    Code::UnknownParameter,
    Code::InvalidParameter,
    Code::NotAcceptable,
    Code::VersionConflict,
    Code::AnswerTooLarge,
];

/// What a write with a body can meet beside.
pub(super) const BODY: [Code; 6] = [
    Code::UnknownField,
    Code::ValidationFailed,
    Code::ReadOnlyField,
    Code::ReferenceNotFound,
    Code::UniqueViolation,
    Code::UnsupportedMediaType,
];

/// What logic of an action may meet beside what any write can meet.
const ACTION: [Code; 6] = [
    Code::Unauthenticated,
    Code::Forbidden,
    Code::NotFound,
    Code::RecordInUse,
    Code::PreconditionFailed,
    Code::LogicMissing,
];

/// What any request can meet.
const PLATFORM: [Code; 10] = [
    Code::PayloadTooLarge,
    Code::UriTooLong,
    Code::Internal,
    Code::OutcomeUnknown,
    Code::Timeout,
    Code::Overloaded,
    Code::DatabaseUnavailable,
    Code::SchemaPending,
    Code::TransactionTooLong,
    Code::StorageFull,
];

/// What code can pass on of what it asked the platform for, and how it fails itself.
const PASSED_ON: [Code; 27] = [
    Code::MalformedRequest,
    Code::UnknownParameter,
    Code::InvalidParameter,
    Code::CursorInvalid,
    Code::UnknownField,
    Code::UnknownOperator,
    Code::ValidationFailed,
    Code::ReadOnlyField,
    Code::ReferenceNotFound,
    Code::LogicBypassed,
    Code::PlacementMixed,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::NotFound,
    Code::UniqueViolation,
    Code::RecordInUse,
    Code::VersionConflict,
    Code::TooManyMatches,
    Code::PreconditionFailed,
    Code::AnswerTooLarge,
    Code::PreconditionRequired,
    Code::LogicPanicked,
    Code::LogicMisused,
    Code::LogicCycle,
    Code::TransactionOver,
    Code::LogicMissing,
    Code::TransactionStalled,
];

/// What an operation can fail with that no code stands round.
pub(super) fn plain(codes: &[&[Code]]) -> Failures {
    let all = codes.iter().flat_map(|codes| codes.iter().copied());
    Failures::of(all.chain(PLATFORM))
}

/// The same with the code that stands round an operation.
pub(super) fn of_operation(
    offered: Offered<'_>,
    resource: &Resource,
    operation: Operation,
    codes: &[&[Code]],
) -> Failures {
    let mut failures = plain(codes);
    with_code(
        offered,
        resource.index,
        Spot::Operation(operation),
        &mut failures,
    );
    let writes = !matches!(operation, Operation::List | Operation::Read);
    if writes && !offered.logics.is_empty() {
        // Whoever asks for what the document leaves out is told so.
        failures.pass_on([Code::LogicBypassed]);
    }
    failures
}

/// Of an action, whose logic may do anything.
pub(super) fn of_action(offered: Offered<'_>, resource: &Resource, action: &Action) -> Failures {
    let mut failures = plain(&[&CHANGE, &BODY, &ACTION]);
    let Some(index) = resource.action_named(&action.name) else {
        return failures;
    };
    let spot = Spot::Action(index.0);
    let is_said = with_code(offered, resource.index, spot, &mut failures);
    if !is_said {
        // Whatever code can say, logic may say.
        let all = Code::ALL.iter().copied();
        failures.add(all.filter(|code| code.stage() == Stage::Logic));
        failures.open();
    }
    failures
}

/// Of several writes: of these resources, each by its own operations.
pub(super) fn of_several<'r>(
    offered: Offered<'_>,
    resources: impl IntoIterator<Item = &'r Resource>,
    codes: &[&[Code]],
) -> Failures {
    let mut failures = plain(codes);
    for resource in resources {
        for operation in [
            Operation::Create,
            Operation::Update,
            Operation::Patch,
            Operation::Delete,
        ] {
            let spot = Spot::Operation(operation);
            with_code(offered, resource.index, spot, &mut failures);
        }
    }
    if !offered.logics.is_empty() {
        failures.pass_on([Code::LogicBypassed]);
    }
    failures
}

/// Adds what the code at a spot answers with; whether there is some, and all of it says so.
fn with_code(
    offered: Offered<'_>,
    resource: ResourceIndex,
    spot: Spot,
    failures: &mut Failures,
) -> bool {
    let version = offered.view.version().0;
    let Some(entry) = offered.logics.entry(version, resource, spot) else {
        return false;
    };
    let (codes, is_said) = entry.refusals();
    failures.show(codes);
    failures.pass_on(PASSED_ON);
    if !is_said {
        failures.open();
    }
    is_said
}

/// What is refused where writes have to state a version.
pub(super) fn precondition(resource: &Resource) -> &'static [Code] {
    match resource.concurrency {
        Concurrency::Optimistic => &[Code::PreconditionRequired],
        Concurrency::None => &[],
    }
}
