package trace_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/templates/trace"
)

// What happens under the context of a request is printed, and kept for the page "trace".
func ExampleRecorder() {
	recorder := trace.NewRecorder(trace.Cut, false, os.Stdout)
	client, err := oauth.NewClient(providers.GitHub(), "id", "secret", "https://app.example/callback/github", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	attempt := oauth.Attempt{Provider: "github", State: "of this browser"}

	r := httptest.NewRequest(http.MethodGet, "/callback/github?code=stolen&state=of+another", nil)
	r = recorder.Listen(httptest.NewRecorder(), r, "GitHub")
	_, err = client.ParseCallback(r.Context(), attempt, r.URL.RawQuery)
	ended := trace.End(r.Context(), err.Error())

	fmt.Println()
	fmt.Println(ended.Outcome)
	fmt.Println(ended.Where())
	// Output:
	// === 2 callback · RFC 6749 §4.1.2; RFC 9700 §2.1
	//
	// App: checks   [Client.ParseCallback, oauth/callback.go]
	//   ✓ callback-once (RFC 6749 §3.1)
	//   ✓ attempt-client (RFC 9700 §4.4.2.2) github
	//   ✗ callback-state (RFC 6749 §10.12) another value, want the expected one
	//
	// oauth: step 2, callback-state: got another value, want the expected one (RFC 6749 §10.12)
	// Client.ParseCallback in oauth/callback.go
}
