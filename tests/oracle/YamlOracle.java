import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * Reads documents with a strict reader of YAML 1.1 and with one of YAML 1.2, and compares what they mean to them with the
 * JSON that lies beside each.
 *
 * <p>Usage: {@code java -cp snakeyaml.jar:snakeyaml-engine.jar YamlOracle.java FILE.yaml...}. Prints each difference. Exit
 * code 0 where there is none, else 1.
 */
public class YamlOracle {
    public static void main(String[] files) throws Exception {
        LoaderOptions strict = new LoaderOptions();
        strict.setAllowDuplicateKeys(false);
        Map<String, Function<String, Object>> readers = new TreeMap<>();
        readers.put("1.1", text -> new Yaml(new SafeConstructor(strict)).load(text));
        readers.put("1.2", text -> new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build()).loadFromString(text));
        boolean differs = false;
        for (String file : files) {
            String text = Files.readString(Path.of(file));
            String wanted = Files.readString(Path.of(file.replaceAll("yaml$", "json")));
            for (var reader : readers.entrySet()) {
                String found;
                try {
                    found = canonical(reader.getValue().apply(text));
                } catch (RuntimeException error) {
                    found = String.valueOf(error.getMessage());
                }
                if (!found.equals(wanted)) {
                    differs = true;
                    System.out.println(file + " to a reader of " + reader.getKey() + ":\n- " + wanted + "\n+ " + found);
                }
            }
        }
        System.exit(differs ? 1 : 0);
    }

    /** JSON in ASCII, the keys in alphabetical order; what JSON does not know is marked. */
    private static String canonical(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, String> fields = new TreeMap<>();
            map.forEach((key, field) -> fields.put(key instanceof String text ? text : "no text: " + key, canonical(field)));
            List<String> written = new ArrayList<>();
            fields.forEach((key, field) -> written.add(quoted(key) + ":" + field));
            return "{" + String.join(",", written) + "}";
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(",", list.stream().map(YamlOracle::canonical).toList()) + "]";
        }
        if (value instanceof String text) {
            return quoted(text);
        }
        boolean isPlain = value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long;
        return isPlain ? String.valueOf(value) : value.getClass().getSimpleName() + " " + value;
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter >= 0x20 && letter < 0x7f && letter != '"' && letter != '\\') {
                quoted.append(letter);
            } else {
                quoted.append(String.format("\\u%04x", (int) letter));
            }
        }
        return quoted.append('"').toString();
    }
}
