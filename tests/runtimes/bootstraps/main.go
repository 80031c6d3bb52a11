// A runtime of its own, in Go's standard library alone.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		answer, err := http.Get(base + "next")
		if err != nil {
			os.Exit(1)
		}
		event, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		id := answer.Header.Get("Lambda-Runtime-Aws-Request-Id")
		kind, body := "response", []byte(fmt.Sprintf(`{"got": %s}`, event))
		if string(event) == `"fail"` {
			kind, body = "error", []byte(`{"errorType": "Function.Refused", "errorMessage": "asked to fail"}`)
		}
		posted, err := http.Post(base+id+"/"+kind, "application/json", bytes.NewReader(body))
		if err != nil {
			os.Exit(1)
		}
		posted.Body.Close()
	}
}
