use super::{Deserialize, FromRequestParts, HeaderValue, List, Problem, Request};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    colour: Option<String>,
}

async fn list(uri: &str) -> Result<List<Filters, u32>, Problem> {
    let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
    List::from_request_parts(&mut parts, &()).await
}

/// The path and query of a link to the next page.
fn target(link: &HeaderValue) -> String {
    let link = link.to_str().unwrap();
    link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
}

#[tokio::test]
async fn the_link_points_to_the_page_after_the_last_key() {
    let first = list("/doors?limit=3&colour=c%2B7").await.unwrap();
    assert_eq!((first.after, first.rows(), first.filters.colour.as_deref()), (None, 4, Some("c+7")));
    let next = list(&target(&first.next(&41).unwrap())).await.unwrap();
    assert_eq!((next.after, next.rows(), next.filters), (Some(41), 4, first.filters));
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_path_and_filters() {
    let next = target(&list("/doors?colour=red").await.unwrap().next(&41).unwrap());
    assert_eq!(list(&next).await.unwrap().after, Some(41));
    for other in
        [next.replace("red", "blue"), next.replace("/doors", "/gates"), next.replace("colour=red&", "")]
    {
        assert_eq!(list(&other).await.unwrap_err().code(), "invalid-cursor", "{other}");
    }
}

#[tokio::test]
async fn a_page_has_50_rows_by_default_and_200_at_most() {
    assert_eq!(list("/doors").await.unwrap().rows(), 51);
    assert_eq!(list("/doors?limit=200").await.unwrap().rows(), 201);
    for query in
        ["limit=0", "limit=201", "limit=-1", "limit=many", "limit=1&limit=2", "page=2", "colour=a&colour=b"]
    {
        let problem = list(&format!("/doors?{query}")).await.unwrap_err();
        assert_eq!(problem.code(), "invalid-query-parameter", "{query}");
    }
}

#[tokio::test]
async fn an_additional_row_means_that_there_is_a_next_page() {
    let list = list("/doors?limit=2").await.unwrap();
    let (mut three, mut two) = (vec![1, 2, 3], vec![1, 2]);
    assert!(list.cut(&mut three) && !list.cut(&mut two));
    assert_eq!(three, two);
}
