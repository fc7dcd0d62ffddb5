package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"example.com/oauthbyhand/oauth/web"
)

func Example() {
	base, err := web.ParseBaseURL("http://localhost:8080")
	if err != nil {
		fmt.Println(err)
		return
	}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") })
	other := func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "this app is at "+base.String(), http.StatusMisdirectedRequest)
	}
	handler := web.Headers(base, "", web.OneHost(base, other, app))
	for _, url := range []string{"http://localhost:8080/login/google", "http://127.0.0.1:8080/login/google", "http://evil.example/login/google"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest("GET", url, nil))
		fmt.Printf("%d %q\n", answer.Code, answer.Header().Get("Location"))
	}
	// Output:
	// 200 ""
	// 303 "http://localhost:8080/login/google"
	// 421 ""
}

func ExampleParseBaseURL() {
	for _, raw := range []string{"https://App.example:443/", "http://localhost:", "http://[::1]:8080", "http://app.example", "https://app.example/app"} {
		base, err := web.ParseBaseURL(raw)
		fmt.Println(base, err)
	}
	// Output:
	// https://app.example <nil>
	// http://localhost <nil>
	// http://[::1]:8080 <nil>
	// <nil> -base-url http://app.example: plain http is for localhost only; take https://app.example
	// <nil> -base-url "https://app.example/app": want a scheme and a host, like https://app.example.com
}

func ExampleLocalPath() {
	for _, next := range []string{"/profile?tab=2", "https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "/#\r\nSet-Cookie: a=b"} {
		fmt.Printf("%q\n", web.LocalPath(next))
	}
	// Output:
	// "/profile?tab=2"
	// ""
	// ""
	// ""
	// ""
	// ""
}
