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

// IsRequestID knows the names of what all lines of one request bear.
func IsRequestID(name []byte) bool {
	switch string(name) {
	case "request_id", "requestId", "req_id", "reqId", "req_reqId", "request", "trace_id", "traceId", "correlation_id", "correlationId":
		return true
	}
	return false
}

func isProcess(name []byte) bool { return string(name) == "pid" || string(name) == "process" }

func isAgent(name []byte) bool {
	switch string(name) {
	case "user_agent", "http_user_agent", "agent", "userAgent", "ua", "req_headers_user_agent", "req_headers_user-agent":
		return true
	}
	return false
}

// AddressRank is how near to the client a field's address is: 0 is the nearest,
// and none other is asked for where it is told. ok is false where the field is no address.
func AddressRank(name []byte) (rank int, ok bool) {
	switch string(name) {
	case "x_forwarded_for", "forwarded_for", "http_x_forwarded_for", "xff":
		return 0, true
	case "source_ip", "client_ip", "clientIp", "ip", "ip_address", "remote_ip", "src_ip", "sourceIp", "req_ip", "user_ip":
		return 1, true
	case "remote_addr", "remote_address", "client", "client_addr", "clientAddr", "client_host", "peer", "remote", "remoteAddress", "req_remoteAddress":
		return 2, true
	}
	return 0, false
}

func isAddress(name []byte) bool { _, ok := AddressRank(name); return ok }
