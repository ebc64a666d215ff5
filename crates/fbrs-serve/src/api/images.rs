use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::Whole;
use super::{File, Problems, Shared};
use crate::problem::Result;

/// A photo that the server has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Image {
    /// Its name: the SHA-256 of the file's bytes.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    image: String,
    /// As seen, with the orientation that its EXIF data say.
    width: usize,
    /// As seen, with the orientation that its EXIF data say.
    height: usize,
}

/// Sends a photo: a file in JPEG, PNG, WebP, TIFF, BMP, GIF or PNM.
#[utoipa::path(post, path = "/v1/images", tag = "photos",
    request_body(content = inline(File), content_type = "application/octet-stream"),
    responses((status = 201, body = Image), Problems))]
pub(crate) async fn post_image(
    State(app): State<Shared>,
    Whole(bytes, room): Whole,
) -> Result<(StatusCode, axum::Json<Image>)> {
    let (name, size) = app
        .decode(move |app| {
            // Given back once the bytes are not needed any more.
            let _room = room;
            app.desk.put_image(&bytes)
        })
        .await?;
    let image = Image { image: name.to_string(), width: size.width, height: size.height };
    Ok((StatusCode::CREATED, axum::Json(image)))
}
