//! pyarrow's tests with our client and our services: the same that `cargo xtask interop` runs with pyarrow.

use integration_tests::ported::{Servers, TESTS};
use peregrine_testkit::waiting::soon;

async fn run(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let test = TESTS.iter().find(|test| test.name == name).unwrap();
    soon((test.run)(&Servers::ours(folder.path()))).await.unwrap();
}

/// A test for each; those where time matters have a clock that jumps when nothing runs.
macro_rules! tests {
    ({ $($name:ident)* } paused: { $($paused:ident)* }) => {
        $(#[tokio::test]
        async fn $name() {
            run(stringify!($name)).await;
        })*

        $(#[tokio::test(start_paused = true)]
        async fn $paused() {
            run(stringify!($paused)).await;
        })*

        #[test]
        fn none_is_left_out() {
            let mut here = vec![$(stringify!($name),)* $(stringify!($paused),)*];
            let mut there: Vec<_> = TESTS.iter().map(|test| test.name).collect();
            here.sort_unstable();
            there.sort_unstable();
            assert_eq!(here, there);
        }
    };
}

tests! {
    {
    test_flight_server_location_argument
    test_client_wait_for_available
    test_flight_list_flights
    test_flight_client_close
    test_flight_do_get_ints
    test_flight_do_get_dicts
    test_flight_do_get_ticket
    test_flight_get_info
    test_flight_get_schema
    test_list_actions
    test_do_action_result_convenience
    test_nicer_server_exceptions
    test_get_port
    test_flight_domain_socket
    test_flight_large_message
    test_flight_generator_stream_of_batches
    test_flight_generator_stream_of_batches_with_dict
    test_flight_generator_stream_of_table
    test_flight_generator_stream_of_table_with_dict
    test_flight_generator_stream_of_record_batch_reader
    test_flight_generator_stream_of_record_batch_reader_with_dict
    test_flight_invalid_generator_stream
    test_timeout_passes
    test_read_options
    test_flight_do_get_metadata
    test_flight_metadata_record_batch_reader_iterator
    test_flight_do_get_metadata_v4
    test_flight_do_put_metadata
    test_flight_do_put_limit
    test_cancel_do_get
    test_streaming_do_action
    test_roundtrip_errors
    test_do_put_independent_read_write
    test_extra_info
    test_doexchange_get
    test_doexchange_put
    test_doexchange_echo
    test_doexchange_echo_v4
    test_doexchange_transform
    test_never_sends_data
    test_large_descriptor
    test_large_metadata_client
    test_none_action_side_effect
    test_write_error_propagation
        test_flight_dictionary_deltas_do_exchange
    } paused: {
    test_timeout_fires
    test_cancel_do_get_threaded
    }
}

#[test]
fn the_readme_lists_them() {
    let readme = include_str!("../../../README.md");
    let listed: Vec<&str> = readme.lines().filter(|line| line.contains("| `test_")).collect();
    let there: Vec<String> =
        TESTS.iter().map(|test| format!("| {} | `{}` | `{}.rs` |", test.line, test.name, test.module)).collect();
    assert_eq!(listed, there);
}
