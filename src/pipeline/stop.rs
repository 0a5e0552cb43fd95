//! The wish that the work end soon: asked once, heard by every stage.

use tokio::sync::watch;

/// Tells by what the work was asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Option<&'static str>>);

impl Stop {
    /// Listens to a future that names what asks, until all that listen here are gone.
    pub(crate) fn when(asked: impl Future<Output = &'static str> + Send + 'static) -> Self {
        let (tell, told) = watch::channel(None);
        tokio::spawn(async move {
            tokio::select! {
                name = asked => {
                    let _ = tell.send(Some(name));
                    tell.closed().await;
                }
                () = tell.closed() => {}
            }
        });
        Self(told)
    }

    pub(super) fn is_asked(&self) -> bool {
        self.by().is_some()
    }

    /// What has asked, if anything has by now.
    pub(crate) fn by(&self) -> Option<&'static str> {
        *self.0.borrow()
    }

    /// Waits until something asks, and names it.
    pub(crate) async fn asked(&self) -> &'static str {
        let mut told = self.0.clone();
        let heard = told.wait_for(Option::is_some).await.ok().and_then(|name| *name);
        match heard {
            Some(name) => name,
            // Whoever could have asked is gone.
            None => std::future::pending().await,
        }
    }
}
