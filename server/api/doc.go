// Package api is the HTTP face of the server: the sync protocol's endpoints, health, metrics and the OpenAPI document, on Echo.
// It turns requests into calls of the packages beside it and their errors into statuses by one table; it decides nothing
// about data itself.
package api
