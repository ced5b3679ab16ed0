//! `Faults`: the handle by which a test makes something happen to a connection.

use std::sync::Arc;

use peregrine_transport::Mutex;

use super::lane::Lane;
use super::link::{Link, LinkState, Phase};
use super::plan::{Direction, Fault};

/// The handle of a connection that may have faults: plans them, and sees what passed.
///
/// It speaks of the newest connection. What is planned while there is none, or when the last one is over, waits for the
/// next, whose bytes it counts from its first. A new connection has no other faults. Clones are the same handle.
///
/// ```
/// use peregrine_proto::{FlightErrorKind, Ticket};
/// use peregrine_server::FlightServer;
/// use peregrine_testkit::fault::{Direction, Fault, Faults};
/// use peregrine_testkit::{MemoryService, Pair, batches};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), peregrine_proto::FlightError> {
/// let faults = Faults::new();
/// let service = MemoryService::with("trips", batches::one_per_type());
/// let pair = Pair::with_faults(FlightServer::builder(), service, &faults);
///
/// let read = async || pair.client().do_get(Ticket::new("trips")).await?.read_all().await;
///
/// // The server gets no further than 5 000 bytes.
/// faults.after(Direction::ToClient, 5_000, Fault::Cut);
/// assert_eq!(read().await.unwrap_err().kind(), FlightErrorKind::Unavailable);
/// assert_eq!(faults.passed(Direction::ToClient), 5_000);
///
/// // The next call makes a connection that is in order.
/// assert_eq!(read().await?.batches, batches::one_per_type());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Faults {
    newest: Arc<Mutex<Arc<Link>>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// No faults yet. [`Pair::with_faults`](crate::Pair::with_faults), [`in_memory`](Self::in_memory),
    /// [`connector`](Self::connector) or [`listener`](Self::listener) puts it to use.
    pub fn new() -> Self {
        Self { newest: Arc::new(Mutex::new(Link::new())) }
    }

    /// Plans a fault after so many bytes more of a direction. Frames that were put in do not count.
    ///
    /// ```
    /// use peregrine_proto::Action;
    /// use peregrine_server::FlightServer;
    /// use peregrine_testkit::fault::{Direction, Fault, Faults};
    /// use peregrine_testkit::{MemoryService, Pair};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let faults = Faults::new();
    /// let pair = Pair::with_faults(FlightServer::builder(), MemoryService::new(), &faults);
    /// // Both sides see every frame in pieces of three bytes.
    /// faults.after(Direction::ToServer, 0, Fault::Drip(3));
    /// faults.after(Direction::ToClient, 0, Fault::Drip(3));
    /// let mut results = pair.client().do_action(Action::new("echo", "hello")).await?;
    /// assert_eq!(results.read_next().await?.unwrap().body(), "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn after(&self, direction: Direction, bytes: u64, fault: Fault) {
        self.planned_for().change(|state| {
            state.lane_mut(direction).plan(bytes, fault);
            if state.phase == Phase::Open {
                state.settle(direction);
            }
        });
    }

    /// Lets a fault happen now, or as soon as there is a connection.
    ///
    /// ```
    /// use peregrine_proto::{Action, FlightErrorKind};
    /// use peregrine_server::FlightServer;
    /// use peregrine_testkit::fault::{Direction, ErrorCode, Fault, Faults};
    /// use peregrine_testkit::{MemoryService, Pair};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let faults = Faults::new();
    /// let pair = Pair::with_faults(FlightServer::builder(), MemoryService::new(), &faults);
    /// // The call never gets through: something on the way resets its stream.
    /// faults.after(Direction::ToServer, 200, Fault::Stall);
    /// let call = tokio::spawn({
    ///     let client = pair.client().clone();
    ///     async move { client.do_action(Action::new("echo", vec![0; 1000])).await.map(drop) }
    /// });
    /// faults.struck().await;
    /// let stream = faults.newest_stream().unwrap();
    /// faults.now(Direction::ToServer, Fault::ResetStream { stream, code: ErrorCode::Cancel });
    /// assert_eq!(call.await.unwrap().unwrap_err().kind(), FlightErrorKind::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn now(&self, direction: Direction, fault: Fault) {
        self.after(direction, 0, fault);
    }

    /// Loses the connection now.
    ///
    /// ```
    /// use peregrine_proto::Ticket;
    /// use peregrine_server::FlightServer;
    /// use peregrine_testkit::fault::Faults;
    /// use peregrine_testkit::{MemoryService, Pair, batches};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let faults = Faults::new();
    /// let service = MemoryService::with("ints", vec![batches::int64(1_000_000)]);
    /// let pair = Pair::with_faults(FlightServer::builder(), service, &faults);
    /// let mut reader = pair.client().do_get(Ticket::new("ints")).await?;
    /// assert!(reader.read_next().await?.is_some());
    /// faults.cut();
    /// assert!(reader.read_all().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn cut(&self) {
        self.now(Direction::ToServer, Fault::Cut);
    }

    /// Ends a stall and a drip of a direction.
    ///
    /// ```
    /// use peregrine_proto::Action;
    /// use peregrine_server::FlightServer;
    /// use peregrine_testkit::fault::{Direction, Fault, Faults};
    /// use peregrine_testkit::{MemoryService, Pair};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let faults = Faults::new();
    /// let pair = Pair::with_faults(FlightServer::builder(), MemoryService::new(), &faults);
    /// faults.after(Direction::ToServer, 100, Fault::Stall);
    /// let call = tokio::spawn({
    ///     let client = pair.client().clone();
    ///     async move { client.do_action(Action::new("echo", "")).await.map(drop) }
    /// });
    /// faults.struck().await;
    /// assert_eq!(faults.passed(Direction::ToServer), 100);
    /// faults.lift(Direction::ToServer);
    /// call.await.unwrap()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lift(&self, direction: Direction) {
        self.newest().change(|state| state.lane_mut(direction).lift());
    }

    /// How many bytes have passed in a direction.
    pub fn passed(&self, direction: Direction) -> u64 {
        self.newest().change(|state| state.lane(direction).passed())
    }

    /// The number of the stream that the client opened last.
    pub fn newest_stream(&self) -> Option<u32> {
        self.newest().change(|state| state.lane(Direction::ToServer).newest_stream())
    }

    /// Waits until all that was planned has happened, or the connection is over.
    pub async fn struck(&self) {
        let is_plan_over = |state: &LinkState| {
            let lanes = [Direction::ToServer, Direction::ToClient].map(|direction| state.lane(direction));
            state.phase == Phase::Over || lanes.into_iter().all(Lane::is_plan_over)
        };
        self.newest().until(is_plan_over).await;
    }

    /// Waits until so many bytes have passed in a direction, or the connection is over.
    pub async fn has_passed(&self, direction: Direction, bytes: u64) {
        let has_passed = |state: &LinkState| state.phase == Phase::Over || state.lane(direction).passed() >= bytes;
        self.newest().until(has_passed).await;
    }

    /// What the next connection is made of.
    pub(super) fn next(&self) -> Arc<Link> {
        let mut newest = self.newest.lock();
        if newest.change(|state| state.phase) != Phase::Waiting {
            *newest = Link::new();
        }
        Arc::clone(&newest)
    }

    /// The connection that a fault is planned for.
    fn planned_for(&self) -> Arc<Link> {
        match self.newest() {
            link if link.change(|state| state.phase) == Phase::Over => self.next(),
            link => link,
        }
    }

    fn newest(&self) -> Arc<Link> {
        Arc::clone(&self.newest.lock())
    }
}
