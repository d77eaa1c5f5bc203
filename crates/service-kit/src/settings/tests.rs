use std::{num::NonZeroU32, time::Duration};

use super::{Environment, Secret, parse_duration};

#[test]
fn a_variable_that_is_not_set_has_its_default() {
    let mut environment = Environment::default();
    assert_eq!(environment.get::<u16>("FOLDLINE_A", "7"), 7);
    assert_eq!(environment.duration("FOLDLINE_B", "10s"), Duration::from_secs(10));
    assert!(environment.finish().is_ok());
}

#[test]
fn a_variable_that_is_set_overrides_the_default() {
    let mut environment = Environment::from([("FOLDLINE_A", "8"), ("FOLDLINE_B", "500ms")]);
    assert_eq!(environment.get::<u16>("FOLDLINE_A", "7"), 8);
    assert_eq!(environment.duration("FOLDLINE_B", "10s"), Duration::from_millis(500));
    assert!(environment.finish().is_ok());
}

#[test]
fn a_variable_may_depend_on_another() {
    let at_most = |limit: u16| {
        move |text: &str| match text.parse::<u16>() {
            Ok(number) if number <= limit => Ok(number),
            _ => Err(format!("at most {limit}")),
        }
    };
    let mut environment = Environment::from([("FOLDLINE_A", "7"), ("FOLDLINE_B", "8")]);
    assert_eq!(environment.parse("FOLDLINE_A", "1", at_most(7)), 7);
    assert_eq!(environment.parse("FOLDLINE_B", "1", at_most(7)), 1);
    assert!(environment.finish().unwrap_err().to_string().contains("FOLDLINE_B: at most 7"));
}

#[test]
fn all_invalid_and_misspelt_variables_are_reported_together() {
    let mut environment =
        Environment::from([("FOLDLINE_A", "x"), ("FOLDLINE_B", "0"), ("FOLDLINE_ADRESS", "y")]);
    assert_eq!(environment.get::<String>("FOLDLINE_ADDRESS", "z"), "z");
    assert_eq!(environment.get::<u16>("FOLDLINE_A", "7"), 7);
    assert_eq!(environment.get::<NonZeroU32>("FOLDLINE_B", "1").get(), 1);
    let message = environment.finish().unwrap_err().to_string();
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        [
            "the settings cannot be used",
            "  FOLDLINE_A: invalid digit found in string",
            "  FOLDLINE_B: number would be zero for non-zero type",
            "  FOLDLINE_ADRESS: unknown, did you mean FOLDLINE_ADDRESS?",
        ]
    );
}

#[test]
fn a_name_with_one_or_two_typing_errors_is_recognized_as_misspelt() {
    for name in
        ["FOLDLINE_COMIT_TIMEOUT", "FOLDLINE_COMMIT_TIMOEUT", "FOLDLINE_COMMITTIMEOUTS", "FOLDLINE_LGO"]
    {
        let mut environment = Environment::from([(name, "x")]);
        environment.duration("FOLDLINE_COMMIT_TIMEOUT", "1s");
        environment.get::<String>("FOLDLINE_LOG", "info");
        assert!(environment.finish().unwrap_err().to_string().contains(name), "{name}");
    }
}

#[test]
fn variables_injected_by_an_orchestrator_are_not_an_error() {
    let mut environment = Environment::from([
        ("FOLDLINE_PORT", "tcp://10.0.0.1:8101"),
        ("FOLDLINE_PORT_8101_TCP_ADDR", "10.0.0.1"),
        ("FOLDLINE_SERVICE_HOST", "10.0.0.1"),
        ("FOLDLINE_ORDERS_COMMAND_API_SERVICE_PORT", "8101"),
    ]);
    for name in ["FOLDLINE_LOG", "FOLDLINE_HTTP_ADDRESS", "FOLDLINE_TOPIC_PREFIX", "FOLDLINE_LOG_FORMAT"] {
        environment.get::<String>(name, "");
    }
    assert!(environment.finish().is_ok());
}

#[test]
fn variables_for_the_stack_the_tests_and_other_programs_are_ignored() {
    let environment = Environment::from([
        ("FOLDLINE_STACK_KAFKA_PORT", "1"),
        ("FOLDLINE_TEST_KAFKA_BROKERS", "x"),
        ("PATH", "/bin"),
    ]);
    assert!(environment.finish().is_ok());
}

#[test]
fn a_secret_is_never_printed() {
    let mut environment =
        Environment::from([("FOLDLINE_URL", "postgres://u:hunter2@h"), ("FOLDLINE_N", "hunter2")]);
    let url: Secret = environment.get("FOLDLINE_URL", "");
    let _: u16 = environment.get("FOLDLINE_N", "1");
    let mut printed = format!("{environment:?} {url:?}");
    printed += &environment.finish().unwrap_err().to_string();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(url.expose(), "postgres://u:hunter2@h");
}

#[test]
fn a_duration_needs_a_whole_number_above_zero_and_a_unit() {
    for text in ["", "10", "s", "0s", "-1s", "1.5s", "10 s", "1m", "99999999999s"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}
