use aggregate::Aggregate;
use event_log::{NewOutcome, NewRecord};

use crate::{
    answers::{AnswerBuilder, WrittenEvent},
    group::Decision,
    outcome,
    queued_command::QueuedCommand,
};

/// The decisions about a group's commands.
pub(super) struct DecidedGroup<A: Aggregate> {
    pub(super) decisions: Vec<Option<Decision<A::Refusal>>>,
    pub(super) records: Vec<NewRecord>,
    pub(super) events: Vec<A::Event>,
}

impl<A: Aggregate> DecidedGroup<A> {
    pub(super) fn written(&self, offsets: &[i64]) -> Vec<WrittenEvent> {
        WrittenEvent::of(&self.records, &self.events, offsets)
    }

    /// The outcomes of the group's delivered commands.
    pub(super) fn outcomes(
        &self,
        group: &[QueuedCommand<A>],
        answers: &AnswerBuilder<'_, A>,
        offsets: &[i64],
    ) -> Vec<NewOutcome> {
        let written = self.written(offsets);
        let outcome = |(queued, decision): (&QueuedCommand<A>, &Option<Decision<A::Refusal>>)| {
            let QueuedCommand::Delivered(delivery) = queued else { return None };
            Some(match (&delivery.command, decision) {
                (Ok(request), Some(decision)) => {
                    let answer = decision.as_ref().map(|effect| answers.to(request, effect, &written));
                    outcome::decided(&delivery.key, &delivery.position, request.aggregate_id.as_str(), answer)
                }
                (Err(rejection), _) => outcome::rejected(&delivery.key, rejection, &delivery.position),
                (Ok(_), None) => return None,
            })
        };
        group.iter().zip(&self.decisions).filter_map(outcome).collect()
    }
}
