use std::time::Instant;

use aggregate::Aggregate;
use event_log::NewOutcome;

use super::SentGroup;
use crate::{
    Delivery,
    answers::{AnswerBuilder, WrittenEvent},
    group::{Decision, Group, GroupEffects},
    outcome,
    queued_command::{Answer, PendingCommand, QueuedCommand},
};

/// The decisions about a group's commands.
pub(super) struct DecidedGroup<A: Aggregate> {
    decisions: Vec<Option<Decision<A::Refusal>>>,
    pub(super) effects: GroupEffects<A>,
}

/// The answers to the callers of a group.
pub(super) type Answers<A> = Vec<(PendingCommand<A>, Answer<A>)>;

/// The decided commands of a group that came through Kafka.
pub(super) type Delivered<A> = Vec<(Delivery<A>, Option<Decision<<A as Aggregate>::Refusal>>)>;

impl<A: Aggregate> DecidedGroup<A> {
    /// Decides the commands of a group.
    pub(super) fn decide(mut empty: Group<'_, A>, commands: &[QueuedCommand<A>]) -> Self {
        let decide = |queued: &QueuedCommand<A>| queued.request().map(|request| empty.decide(request));
        let decisions = commands.iter().map(decide).collect();
        Self { decisions, effects: empty.effects }
    }

    /// The answers to the callers, and the other commands with their decisions.
    pub(super) fn answers(
        &mut self,
        group: Vec<QueuedCommand<A>>,
        answers: &AnswerBuilder<'_, A>,
        written: &[WrittenEvent],
    ) -> (Answers<A>, Delivered<A>) {
        let (mut callers, mut delivered) = (Vec::with_capacity(group.len()), Vec::new());
        for (queued, decision) in group.into_iter().zip(std::mem::take(&mut self.decisions)) {
            match (queued, decision) {
                (QueuedCommand::Caller(pending), Some(decision)) => {
                    let answer = decision.map(|effect| answers.to(&pending.request, &effect, written));
                    callers.push((pending, answer));
                }
                (QueuedCommand::Delivered(delivery), decision) => delivered.push((delivery, decision)),
                (QueuedCommand::Caller(_), None) => {}
            }
        }
        (callers, delivered)
    }

    /// The group once it is sent.
    pub(super) fn sent(self, written: Vec<WrittenEvent>, delivered: Delivered<A>) -> SentGroup<A> {
        SentGroup { effects: self.effects, written, sent_at: Instant::now(), delivered }
    }

    /// The group's events with their offsets.
    pub(super) fn written(&self, offsets: &[i64]) -> Vec<WrittenEvent> {
        WrittenEvent::of(&self.effects.records, &self.effects.events, offsets)
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
