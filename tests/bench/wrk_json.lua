-- SPDX-License-Identifier: GPL-2.0-or-later
-- wrk's own sums as one JSON line. Only done() is defined: a request or response hook would cost wrk time
-- per request.
function done(summary, latency, requests)
	local e = summary.errors
	io.write(string.format('{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"errors":{"connect":%d,"read":%d,' ..
		'"write":%d,"status":%d,"timeout":%d}}\n', summary.requests, summary.duration, latency:percentile(50),
		latency:percentile(99), e.connect, e.read, e.write, e.status, e.timeout))
end
