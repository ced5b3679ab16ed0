//! Data of other writers, where it lies beside the project or where a variable says: golden, which we must read as it was
//! meant, and hostile, which must not harm us. Both go through the decoder and through a live server.

mod folders;
mod live;
mod messages;
mod scavenge;

mod difference;
mod golden;
mod hostile;
