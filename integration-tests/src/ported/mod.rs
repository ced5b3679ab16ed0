//! Tests of pyarrow's `test_flight.py` that hold for every implementation: for each what a client does, and the services
//! that they need, under the names that they have there.
//!
//! Our client runs them against our services (`tests/it/programs/ported.rs`) and against pyarrow's servers (`cargo xtask
//! interop`), and there pyarrow's own tests run against our services too.

mod actions;
mod classes;
mod constant;
mod deltas;
mod echo;
mod errors;
mod exchange;
mod generated;
mod info;
mod large;
mod lifecycle;
mod numbered;
mod servers;
mod slow;
mod tables;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;

pub use self::classes::{Place, serve};
pub use self::servers::Servers;

/// A test: its name and line in pyarrow's file, and what the client does.
#[derive(Clone, Copy)]
pub struct Ported {
    /// The name of the function.
    pub name: &'static str,
    /// The line of its `def`.
    pub line: u32,
    /// The module here that has it.
    pub module: &'static str,
    /// What the client does, given where the servers are.
    pub run: for<'a> fn(&'a Servers) -> LocalBoxFuture<'a, Result<()>>,
}

macro_rules! tests {
    ($($line:literal $module:ident::$name:ident)*) => {
        /// All of them, in pyarrow's order.
        pub const TESTS: &[Ported] = &[
            $(Ported {
                name: stringify!($name),
                line: $line,
                module: stringify!($module),
                run: |servers| Box::pin($module::$name(servers)),
            },)*
        ];
    };
}

tests! {
    1122 lifecycle::test_flight_server_location_argument
    1177 lifecycle::test_client_wait_for_available
    1197 constant::test_flight_list_flights
    1206 lifecycle::test_flight_client_close
    1216 constant::test_flight_do_get_ints
    1254 constant::test_flight_do_get_dicts
    1272 constant::test_flight_do_get_ticket
    1282 info::test_flight_get_info
    1305 info::test_flight_get_schema
    1313 actions::test_list_actions
    1356 actions::test_do_action_result_convenience
    1370 actions::test_nicer_server_exceptions
    1385 lifecycle::test_get_port
    1396 lifecycle::test_flight_domain_socket
    1418 echo::test_flight_large_message
    1439 echo::test_flight_generator_stream_of_batches
    1455 echo::test_flight_generator_stream_of_batches_with_dict
    1476 echo::test_flight_generator_stream_of_table
    1492 echo::test_flight_generator_stream_of_table_with_dict
    1513 echo::test_flight_generator_stream_of_record_batch_reader
    1529 echo::test_flight_generator_stream_of_record_batch_reader_with_dict
    1550 generated::test_flight_invalid_generator_stream
    1558 slow::test_timeout_fires
    1572 constant::test_timeout_passes
    1580 constant::test_read_options
    1831 numbered::test_flight_do_get_metadata
    1852 numbered::test_flight_metadata_record_batch_reader_iterator
    1884 numbered::test_flight_do_get_metadata_v4
    1897 numbered::test_flight_do_put_metadata
    1920 echo::test_flight_do_put_limit
    1949 constant::test_cancel_do_get
    1962 slow::test_cancel_do_get_threaded
    1994 actions::test_streaming_do_action
    2062 errors::test_roundtrip_errors
    2100 numbered::test_do_put_independent_read_write
    2217 errors::test_extra_info
    2248 exchange::test_doexchange_get
    2263 exchange::test_doexchange_put
    2287 exchange::test_doexchange_echo
    2330 exchange::test_doexchange_echo_v4
    2354 exchange::test_doexchange_transform
    2485 generated::test_never_sends_data
    2501 large::test_large_descriptor
    2519 large::test_large_metadata_client
    2564 actions::test_none_action_side_effect
    2578 errors::test_write_error_propagation
    2770 deltas::test_flight_dictionary_deltas_do_exchange
}
