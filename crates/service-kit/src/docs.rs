//! The description of the API: `/openapi.json`, and Swagger UI at `/docs`, which loads nothing from other hosts.

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

/// The routes of the description.
pub fn router(api: OpenApi) -> Router {
    SwaggerUi::new("/docs").url("/openapi.json", api).into()
}
