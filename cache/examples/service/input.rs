//! What a request is made of, as handlers take it: refused by a [`Problem`], in axum's own words.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts};

use crate::problem::Problem;

/// A part of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// The body, as JSON.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Problem))]
pub(crate) struct Body<T>(pub(crate) T);
