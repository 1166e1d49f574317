//! The bodies of answers: complete bodies, and bodies that break off.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::server::Abort;

/// How long a broken answer waits before it breaks, so that its first part arrives.
const BEFORE_THE_BREAK: Duration = Duration::from_millis(15);

/// The body of an answer.
pub(crate) struct Payload {
    data: Option<Bytes>,
    /// The wait before the error; `None` if the body is complete.
    break_after: Option<Pin<Box<Sleep>>>,
}

impl Payload {
    pub fn whole(body: String) -> Self {
        Self { data: Some(body.into()), break_after: None }
    }

    /// Returns the first half of a body, followed by an error.
    pub fn cut(body: String) -> Self {
        let body = Bytes::from(body);
        Self { data: Some(body.slice(..body.len() / 2)), break_after: Some(Box::pin(sleep(BEFORE_THE_BREAK))) }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Abort;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Abort>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.break_after.as_mut() {
            None => Poll::Ready(None),
            Some(pause) => pause.as_mut().poll(context).map(|()| Some(Err(Abort))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.break_after.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.data, &self.break_after) {
            (Some(data), None) => SizeHint::with_exact(data.len() as u64),
            (None, None) => SizeHint::with_exact(0),
            (_, Some(_)) => SizeHint::default(),
        }
    }
}
