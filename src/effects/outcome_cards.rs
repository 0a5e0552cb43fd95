//! What became of an order means for its effect: done, refused, sent again, or in doubt.

use super::outcome::{Judgement, Next, acknowledged, in_doubt, not_sent, told};
use super::{Doubt, Event, Standing};
use crate::providers::cards::{After, CardAnswer, CardSent};

/// Judges what came of the one order of a call.
pub fn judge(standing: &Standing, sent: &CardSent) -> Judgement {
    let order = Order { standing };
    match sent {
        CardSent::NotSent { why } => order.judged(not_sent(told(why)), Next::Unavailable, told(why)),
        CardSent::Lost { why } => order.unclear(Doubt::NoReply, told(why)),
        CardSent::Told(answer) => order.answered(answer),
    }
}

#[derive(Clone, Copy)]
struct Order<'a> {
    standing: &'a Standing,
}

impl Order<'_> {
    fn answered(self, answer: &CardAnswer) -> Judgement {
        match answer {
            CardAnswer::Done { id, note } => {
                let event = acknowledged(id.clone(), note.as_deref().map(told));
                self.judged(event, Next::GoOn, "done".to_owned())
            }
            CardAnswer::Refused { why } => self.judged(Event::Rejected { why: told(why) }, Next::GoOn, told(why)),
            CardAnswer::NotDone { why, next } => {
                let next = match next {
                    After::GoOn => Next::GoOn,
                    After::Slower { wait } => Next::Again { wait: *wait },
                    After::NewToken => Next::NewToken,
                    After::End(code) => Next::Refused(*code),
                };
                self.judged(not_sent(told(why)), next, told(why))
            }
            CardAnswer::Unclear { why, failed: true } => self.unclear(Doubt::ServerError, told(why)),
            CardAnswer::Unclear { why, failed: false } => self.unclear(Doubt::Unreadable, told(why)),
        }
    }

    fn judged(self, event: Event, next: Next, words: String) -> Judgement {
        Judgement { events: vec![(self.standing.effect.id.clone(), event)], next, words }
    }

    /// With a key it goes again, and a second arrival is the first order; without one nobody knows.
    fn unclear(self, doubt: Doubt, why: String) -> Judgement {
        if self.standing.effect.repeats_safely() {
            return self.judged(Event::Again { doubt, why: why.clone() }, Next::Again { wait: None }, why);
        }
        self.judged(in_doubt(doubt, why.clone()), Next::Doubtful, why)
    }
}
