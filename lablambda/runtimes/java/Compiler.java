package lablambda.runtime;

import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.lang.model.SourceVersion;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * A process that compiles cells, one after the other, in memory; none of their code runs here.
 *
 * <p>Standard input brings, again and again: the source (u32 length, UTF-8), the release (u32), the class path (u32
 * count, then strings). Standard output gives: class files (u32 count, then path, u32 length, bytes), problems (u32
 * count, then kind, u32 line, u32 column, message), handlers (u32 count, then strings). A string is u16 length and UTF-8.
 */
public final class Compiler {
    // What may speak of classes without being one; every part is simple, so that no text can exhaust the stack.
    private static final Pattern ASIDE = Pattern.compile("//[^\\n]*|/\\*(?s:.*?)\\*/|\"\"\"(?s:.*?)\"\"\"|\"[^\"\\n]*\"|'\\\\?.'");
    private static final Pattern PUBLIC = Pattern.compile("\\bpublic\\s+(?:\\w+\\s+)*?(?:class|interface|enum|record)\\s+(\\w+)");
    private static final Pattern ANY = Pattern.compile("\\b(?:class|interface|enum|record)\\s+(\\w+)");
    private static final int MOST_MESSAGE = 4000;
    private static final List<String> USUAL_NAMES = List.of("handleRequest", "handler");

    private final JavaCompiler compiler;
    private final boolean isSystems;

    public static void main(String[] arguments) throws Exception {
        DataInputStream input = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream output = new DataOutputStream(new BufferedOutputStream(System.out));
        System.setOut(System.err); // whatever a compiler prints must not come between
        Compiler compiler = new Compiler();
        while (true) {
            String source;
            try {
                source = new String(input.readNBytes(input.readInt()), StandardCharsets.UTF_8);
            } catch (EOFException end) {
                return;
            }
            compiler.compile(source, input.readInt(), strings(input)).write(output);
            output.flush();
        }
    }

    private Compiler() throws ReflectiveOperationException {
        JavaCompiler systems = ToolProvider.getSystemJavaCompiler();
        isSystems = systems != null;
        compiler = isSystems ? systems : eclipses();
    }

    private static JavaCompiler eclipses() throws ReflectiveOperationException {
        Class<?> found = Class.forName("org.eclipse.jdt.internal.compiler.tool.EclipseCompiler");
        return (JavaCompiler) found.getDeclaredConstructor().newInstance();
    }

    private static List<String> strings(DataInputStream input) throws IOException {
        List<String> found = new ArrayList<>();
        for (int left = input.readInt(); left > 0; left--) found.add(input.readUTF());
        return found;
    }

    // --------------------------------------------------------------------------------------- compiling

    private Result compile(String source, int release, List<String> classPath) throws IOException {
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        Result result = new Result();
        JavaFileManager standard = compiler.getStandardFileManager(diagnostics, Locale.ENGLISH, StandardCharsets.UTF_8);
        try (Memory files = new Memory(standard, isSystems, result.classes)) {
            List<JavaFileObject> units = List.of(new Source(source));
            List<String> options = options(release, classPath);
            boolean done = compiler.getTask(null, files, diagnostics, options, null, units).call();
            if (!done) result.classes.clear();
            for (Diagnostic<? extends JavaFileObject> told : diagnostics.getDiagnostics()) result.problems.add(Problem.of(told));
            if (!done && result.problems.isEmpty()) result.problems.add(TOO_MUCH);
        } catch (RuntimeException error) { // an option that this compiler doesn't take, or a mistake of its own
            result.fail(new Problem("error", 1, 1, String.valueOf(error.getMessage())));
        } catch (StackOverflowError error) { // javac says nothing then, the Eclipse compiler throws
            result.fail(TOO_MUCH);
        }
        result.handlers.addAll(new Handlers(result.classes, classPath).find());
        return result;
    }

    private List<String> options(int release, List<String> classPath) {
        String level = String.valueOf(Math.min(release, newest()));
        List<String> options = new ArrayList<>(List.of("-g", "-parameters", "-proc:none", "-cp", String.join(":", classPath)));
        // Only a JDK knows the classes of older releases.
        options.addAll(isSystems ? List.of("--release", level) : List.of("-source", level, "-target", level));
        return options;
    }

    /** The newest release that both the compiler and the class library, which is this Java's, are of. */
    private int newest() {
        int here = SourceVersion.latest().ordinal();
        if (isSystems) return here;
        try { // the Eclipse compiler claims to know what this Java does
            Class<?> options = Class.forName("org.eclipse.jdt.internal.compiler.impl.CompilerOptions");
            return Math.min(here, Integer.parseInt((String) options.getMethod("getLatestVersion").invoke(null)));
        } catch (ReflectiveOperationException error) {
            return here;
        }
    }

    /** The cell. Its file is named after its public class, which is what traces show. */
    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String text) {
            super(URI.create("string:///" + name(text) + ".java"), Kind.SOURCE);
            this.text = text;
        }

        private static String name(String text) {
            String code = ASIDE.matcher(text).replaceAll(" ");
            for (Pattern pattern : List.of(PUBLIC, ANY)) {
                Matcher matcher = pattern.matcher(code);
                if (matcher.find()) return matcher.group(1);
            }
            return "Cell";
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }

        @Override
        public boolean isNameCompatible(String simpleName, Kind kind) {
            return true; // a cell may hold several public classes
        }
    }

    /** Takes class files where a compiler would write them to disk. */
    private static final class Memory extends ForwardingJavaFileManager<JavaFileManager> {
        private final boolean isSystems;
        private final Map<String, byte[]> classes;

        Memory(JavaFileManager files, boolean isSystems, Map<String, byte[]> classes) {
            super(files);
            this.isSystems = isSystems;
            this.classes = classes;
        }

        /** The Eclipse compiler wants a source to be on disk or in a location. */
        @Override
        public boolean hasLocation(Location location) {
            return isSourcePathOfEclipse(location) || super.hasLocation(location);
        }

        @Override
        public boolean contains(Location location, FileObject file) throws IOException {
            return isSourcePathOfEclipse(location) ? file instanceof Source : super.contains(location, file);
        }

        @Override
        public Iterable<JavaFileObject> list(Location location, String packageName, Set<JavaFileObject.Kind> kinds, boolean recurse) throws IOException {
            return isSourcePathOfEclipse(location) ? List.of() : super.list(location, packageName, kinds, recurse);
        }

        @Override
        public JavaFileObject getJavaFileForInput(Location location, String name, JavaFileObject.Kind kind) throws IOException {
            return isSourcePathOfEclipse(location) ? null : super.getJavaFileForInput(location, name, kind);
        }

        private boolean isSourcePathOfEclipse(Location location) {
            return !isSystems && location == StandardLocation.SOURCE_PATH;
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
            String path = name.replace('.', '/') + ".class";
            return new SimpleJavaFileObject(URI.create("memory:///" + path), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            classes.put(path, toByteArray());
                        }
                    };
                }
            };
        }
    }

    // ----------------------------------------------------------------------------------------- handlers

    /** Finds what could take events, by looking at the classes without initialising them. */
    private static final class Handlers extends ClassLoader {
        private final Map<String, byte[]> classes;

        Handlers(Map<String, byte[]> classes, List<String> classPath) throws MalformedURLException {
            super(new URLClassLoader(urls(classPath), Compiler.class.getClassLoader()));
            this.classes = classes;
        }

        private static URL[] urls(List<String> classPath) throws MalformedURLException {
            URL[] urls = new URL[classPath.size()];
            for (int i = 0; i < urls.length; i++) urls[i] = Path.of(classPath.get(i)).toUri().toURL();
            return urls;
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            byte[] found = classes.get(name.replace('.', '/') + ".class");
            if (found == null) throw new ClassNotFoundException(name);
            return defineClass(name, found, 0, found.length);
        }

        /** Of classes that can be made: those that implement AWS's interfaces, else methods of a usual name, else the only public method. */
        List<String> find() {
                        List<String> implementing = new ArrayList<>();
            List<String> usual = new ArrayList<>();
            List<String> others = new ArrayList<>();
            for (Class<?> type : makeable()) {
                if (RequestHandler.class.isAssignableFrom(type) || RequestStreamHandler.class.isAssignableFrom(type)) implementing.add(type.getName());
                for (Method method : type.getDeclaredMethods()) {
                    if (!Modifier.isPublic(method.getModifiers()) || method.isSynthetic()) continue;
                    (USUAL_NAMES.contains(method.getName()) ? usual : others).add(type.getName() + "::" + method.getName());
                }
            }
            if (!implementing.isEmpty()) return implementing;
            if (!usual.isEmpty()) return usual;
            return others.size() == 1 ? others : List.of();
        }

        private List<Class<?>> makeable() {
            List<Class<?>> found = new ArrayList<>();
            for (String path : classes.keySet()) {
                try {
                    Class<?> type = Class.forName(path.replace(".class", "").replace('/', '.'), false, this);
                    if (!Modifier.isAbstract(type.getModifiers()) && Modifier.isPublic(type.getDeclaredConstructor().getModifiers())) found.add(type);
                } catch (ReflectiveOperationException | LinkageError error) {
                    // nobody can make one, or it needs a class that is in no library given: it is no candidate
                }
            }
            return found;
        }
    }

    // ------------------------------------------------------------------------------------------- answers

    private static final Problem TOO_MUCH = new Problem("error", 1, 1, "The compiler gave up: the code is nested too deeply.");

    private static final class Problem {
        private final String kind, message;
        private final int line, column;

        Problem(String kind, int line, int column, String message) {
            this.kind = kind;
            this.line = line;
            this.column = column;
            this.message = message;
        }

        static Problem of(Diagnostic<? extends JavaFileObject> told) {
            String message = told.getMessage(Locale.ENGLISH);
            String kind = told.getKind() == Diagnostic.Kind.ERROR ? "error" : "warning";
            String cut = message.length() <= MOST_MESSAGE ? message : message.substring(0, MOST_MESSAGE);
            return new Problem(kind, (int) Math.max(told.getLineNumber(), 1), (int) Math.max(told.getColumnNumber(), 1), cut);
        }
    }

    private static final class Result {
        final Map<String, byte[]> classes = new LinkedHashMap<>();
        final List<Problem> problems = new ArrayList<>();
        final List<String> handlers = new ArrayList<>();

        void fail(Problem problem) {
            classes.clear();
            problems.add(problem);
        }

        void write(DataOutputStream output) throws IOException {
            output.writeInt(classes.size());
            for (Map.Entry<String, byte[]> entry : classes.entrySet()) {
                output.writeUTF(entry.getKey());
                output.writeInt(entry.getValue().length);
                output.write(entry.getValue());
            }
            output.writeInt(problems.size());
            for (Problem problem : problems) {
                output.writeUTF(problem.kind);
                output.writeInt(problem.line);
                output.writeInt(problem.column);
                output.writeUTF(problem.message);
            }
            output.writeInt(handlers.size());
            for (String handler : handlers) output.writeUTF(handler);
        }
    }
}
