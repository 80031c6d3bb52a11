// Every form that a handler may have, for tests of the Java runtime; errors keep the lines that they have here.
package forms;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.events.S3Event;
import com.amazonaws.services.lambda.runtime.events.SQSBatchResponse;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Forms {
    public static class Person {
        private String name;
        private int age;
        private List<Person> friends = new ArrayList<>();

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public int getAge() { return age; }
        public void setAge(int age) { this.age = age; }
        public List<Person> getFriends() { return friends; }
        public void setFriends(List<Person> friends) { this.friends = friends; }
    }

    public String text(String in) { return in + "!"; }
    public int whole(int in) { return in + 1; }
    public double real(double in) { return in / 2; }
    public boolean truth(boolean in) { return !in; }
    public List<Integer> list(List<Integer> in) { return in.subList(1, in.size()); }
    public Map<String, Object> map(Map<String, Object> in) { return in; }
    public Person bean(Person in) { in.setAge(in.getAge() + 1); return in; }
    public String withContext(String in, Context context) { return in + context.getFunctionName(); }
    public String contextAlone(Context context) { return context.getFunctionName(); }
    public String nothing() { return "nothing in"; }
    public void nothingBack(String in) {}
    public static String ofTheClass(String in) { return in; }
    public String sum(List<Person> in) { return in.get(0).getName(); }

    public String longest(String in) { return "short"; }
    public String longest(String in, Context context) { return "long"; }

    public void streams(InputStream in, OutputStream out) throws IOException { out.write(in.readAllBytes()); }
    public void streamsAndContext(InputStream in, OutputStream out, Context context) throws IOException {
        out.write(context.getFunctionName().getBytes(StandardCharsets.UTF_8));
    }

    public String s3(S3Event event) {
        return event.getRecords().get(0).getS3().getBucket().getName() + "/" + event.getRecords().get(0).getS3().getObject().getUrlDecodedKey();
    }

    public SQSBatchResponse sqs(SQSEvent event) {
        List<SQSBatchResponse.BatchItemFailure> failed = new ArrayList<>();
        for (SQSEvent.SQSMessage message : event.getRecords())
            if (message.getBody().equals("bad")) failed.add(new SQSBatchResponse.BatchItemFailure(message.getMessageId()));
        return new SQSBatchResponse(failed);
    }

    private String hidden(String in) { return in; }
}

public class Doer implements RequestHandler<Map<String, Object>, Object> {
    private int count = 0;

    public Object handleRequest(Map<String, Object> event, Context context) {
        try {
            return act((String) event.get("do"), event, context);
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private Object act(String what, Map<String, Object> event, Context context) throws IOException, InterruptedException {
        LambdaLogger logger = context.getLogger();
        switch (what) {
            case "count": return ++count;
            case "throw": throw new IllegalArgumentException("boom");
            case "mute": throw new IllegalStateException();
            case "chain": throw new IllegalStateException("outer", new IOException("inner"));
            case "overflow": return overflow(0);
            case "memory":
                List<byte[]> kept = new ArrayList<>();
                while (true) kept.add(new byte[8 << 20]);
            case "exit": System.exit(3); return null;
            case "log":
                System.out.print("printed");
                logger.log("first\nsecond");
                logger.log("to look at", LogLevel.DEBUG);
                logger.log("bad", LogLevel.ERROR);
                System.err.println("größer 世界");
                System.out.print("no newline");
                return null;
            case "env":
                Process child = new ProcessBuilder("/usr/bin/env").start();
                String all = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                child.waitFor();
                return List.of(System.getenv(), all.lines().sorted().toArray());
            case "client":
                ClientContext client = context.getClientContext();
                return client == null ? null : List.of(client.getClient().getInstallationId(), client.getCustom(), client.getEnvironment());
            case "trace": return System.getProperty("com.amazonaws.xray.traceHeader");
            case "depth": return depth(0);
            case "name":
                Path path = Path.of(System.getenv("TMPDIR"), "größe-世界");
                Files.writeString(path, "found");
                return Files.readString(path);
            case "interrupt": Thread.currentThread().interrupt(); return null;
            case "interrupted": return Thread.currentThread().isInterrupted();
            case "resource":
                try (InputStream in = getClass().getResourceAsStream("/notes/note.txt")) {
                    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
                }
            case "loader": return Thread.currentThread().getContextClassLoader() == getClass().getClassLoader();
            case "unserializable": return new Object() { public Object getSelf() { throw new IllegalStateException("unreadable"); } };
            default: return event;
        }
    }

    private static int overflow(int depth) { return 1 + overflow(depth + 1); }

    private static int depth(int level) {
        try {
            return depth(level + 1);
        } catch (StackOverflowError end) {
            return level;
        }
    }
}

public class Streamer implements RequestStreamHandler {
    public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
        out.write(new StringBuilder(new String(in.readAllBytes(), StandardCharsets.UTF_8)).reverse().toString().getBytes(StandardCharsets.UTF_8));
    }
}

public class FailsToConstruct implements RequestHandler<String, String> {
    public FailsToConstruct() { throw new IllegalStateException("no way to start"); }
    public String handleRequest(String in, Context context) { return in; }
}

public class FailsToInitialise implements RequestHandler<String, String> {
    static final int NUMBER = Integer.parseInt("no number");
    public String handleRequest(String in, Context context) { return in; }
}

public class Unconstructible implements RequestHandler<String, String> {
    public Unconstructible(int number) {}
    public String handleRequest(String in, Context context) { return in; }
}

public class Raw<T> implements RequestHandler<T, T> {
    public Raw() {}
    public T handleRequest(T in, Context context) { return in; }
}

public class Plain {}
