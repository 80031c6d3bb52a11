// A runtime of its own, in Rust's standard library alone.
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn ask(method: &str, path: &str, body: &str) -> (Vec<String>, String) {
    let host = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&host).unwrap();
    let head = format!(
        "{method} /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        headers.push(line.trim().to_string());
    }
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    (headers, answer)
}

fn main() {
    loop {
        let (headers, event) = ask("GET", "next", "");
        let name = "lambda-runtime-aws-request-id: ";
        let id = headers.iter().find(|line| line.to_lowercase().starts_with(name)).unwrap()[name.len()..].to_string();
        if event == "\"fail\"" {
            let error = "{\"errorType\": \"Function.Refused\", \"errorMessage\": \"asked to fail\"}";
            ask("POST", &format!("{id}/error"), error);
        } else {
            ask("POST", &format!("{id}/response"), &format!("{{\"got\": {event}}}"));
        }
    }
}
