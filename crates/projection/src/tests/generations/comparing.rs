use super::{Shelf, shelf::SHELF};
use crate::GenerationState::Building;
use crate::projector::generations;

#[tokio::test]
async fn generations_with_the_same_rows_are_equal() {
    let shelf = Shelf::rebuilt(25, 25).await;
    let comparison = generations::verify(&shelf.options, SHELF, Building).await.unwrap();
    assert!(comparison.is_equal(), "{comparison}");
    let rows: Vec<_> = comparison.tables.iter().map(|table| (table.live_rows, table.other_rows)).collect();
    assert_eq!(rows, [(10, 10), (25, 25)]);
}

#[tokio::test]
async fn changed_missing_and_additional_rows_are_found() {
    let mut shelf = Shelf::rebuilt(25, 25).await;
    for (change, shown) in [
        (
            "UPDATE shelf_g2.books SET printer = 'other' WHERE book = 3",
            r#"{"book": 3, "pages": 3, "printer": "other"}"#,
        ),
        ("DELETE FROM shelf_g2.pages WHERE (book, page) = (9, 2)", "(no such row)"),
        ("INSERT INTO shelf_g2.pages VALUES (99, 1)", r#"{"book": 99, "page": 1}"#),
    ] {
        shelf.run(&format!("CREATE TABLE kept_books AS TABLE shelf_g2.books; CREATE TABLE kept_pages AS TABLE shelf_g2.pages; {change}")).await;
        let comparison = generations::verify(&shelf.options, SHELF, Building).await.unwrap();
        let differences: Vec<_> = comparison.tables.iter().flat_map(|table| &table.differences).collect();
        let [difference] = differences[..] else { panic!("{change}: {comparison}") };
        assert!(!comparison.is_equal());
        assert!(difference.to_string().ends_with(&format!("other  {shown}")), "{difference}");
        shelf.run("DELETE FROM shelf_g2.books; INSERT INTO shelf_g2.books TABLE kept_books; DROP TABLE kept_books").await;
        shelf.run("DELETE FROM shelf_g2.pages; INSERT INTO shelf_g2.pages TABLE kept_pages; DROP TABLE kept_pages").await;
    }
}

#[tokio::test]
async fn a_difference_is_found_in_any_key_range() {
    let mut shelf = Shelf::rebuilt(1, 1).await;
    for schema in ["public", "shelf_g2"] {
        let many =
            format!("INSERT INTO {schema}.pages SELECT 1 + n / 1000, n FROM generate_series(1, 35000) AS n");
        shelf.run(&many).await;
    }
    shelf.run("DELETE FROM public.pages WHERE page = 27000").await;
    let comparison = generations::verify(&shelf.options, SHELF, Building).await.unwrap();
    let pages = &comparison.tables[1];
    assert_eq!((pages.live_rows, pages.other_rows), (35_000, 35_001));
    assert_eq!((pages.ranges, pages.differing_ranges), (4, 1));
    assert_eq!(pages.differences.len(), 1);
    assert_eq!(pages.differences[0].other.as_deref(), Some(r#"{"book": 28, "page": 27000}"#));
}

#[tokio::test]
async fn only_the_first_of_many_differences_are_shown() {
    let mut shelf = Shelf::rebuilt(50, 50).await;
    shelf.run("DELETE FROM shelf_g2.pages").await;
    let comparison = generations::verify(&shelf.options, SHELF, Building).await.unwrap();
    assert_eq!(comparison.tables[1].differences.len(), 10);
}

#[tokio::test]
async fn generations_at_different_positions_are_not_compared() {
    let shelf = Shelf::rebuilt(5, 4).await;
    let refused = generations::verify(&shelf.options, SHELF, Building).await.unwrap_err();
    assert!(refused.to_string().starts_with("generation 2 did not catch up with the live one"), "{refused}");
}
