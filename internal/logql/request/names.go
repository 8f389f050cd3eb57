package request

// Part is what a field of a log line tells of a request.
type Part uint8

// Parts of a request.
const (
	Other  Part = iota
	Target      // its path, or the whole address
	Query
	Pattern // its path with names in the place of values
	Method  // GET
	Opening
	Status
)

// PartOf knows the names that loggers and people give to the parts of a request,
// nested ones joined by _: those of nginx, Caddy and Traefik, pino, bunyan and
// express-winston, lograge, Serilog, the Elastic Common Schema, OpenTelemetry and
// Google's structured logs among them. Opening is method and target in one.
func PartOf(name []byte) Part {
	switch string(name) {
	case "path", "url", "uri", "request_uri", "http_path", "http_target", "http_url", "target", "request_path", "req_url", "req_path", "requestPath",
		"RequestPath", "Path", "url_path", "url_original", "http_request_path", "http_request_uri", "httpRequest_requestUrl", "meta_req_url", "request_url", "resource_path":
		return Target
	case "query", "query_string", "args", "url_query":
		return Query
	case "endpoint", "route", "http_route", "route_path", "resource":
		return Pattern
	case "method", "http_method", "request_method", "verb", "req_method", "RequestMethod", "requestMethod", "Method", "http_request_method", "httpRequest_requestMethod", "meta_req_method":
		return Method
	case "request":
		return Opening
	case "status", "status_code", "statusCode", "http_status", "response_status", "http_status_code", "response_code", "code", "res_statusCode", "res_status", "response_statusCode", "response_status_code",
		"StatusCode", "Status", "DownstreamStatus", "http_response_status_code", "httpRequest_status", "meta_res_statusCode", "httpStatus", "responseCode", "responseStatus":
		return Status
	}
	return Other
}
