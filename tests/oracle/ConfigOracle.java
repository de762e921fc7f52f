import com.hazelcast.client.config.YamlClientConfigBuilder;
import com.hazelcast.config.InvalidConfigurationException;
import com.hazelcast.config.YamlConfigBuilder;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads configuration documents as a member or a client would, without starting one: its own parser and its own schema
 * judge.
 *
 * <p>Usage: {@code java -cp hazelcast-VERSION.jar ConfigOracle.java FILE...}. Prints a line for each file that is
 * refused, with the reasons below it. Exit code 0 where all are accepted, else 1.
 */
public class ConfigOracle {
    public static void main(String[] files) throws Exception {
        System.setProperty("hazelcast.logging.type", "none");
        boolean refused = false;
        for (String file : files) {
            String document = Files.readString(Path.of(file));
            var stream = new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8));
            try {
                if (document.startsWith("hazelcast-client:")) {
                    new YamlClientConfigBuilder(stream).build();
                } else {
                    new YamlConfigBuilder(stream).build();
                }
            } catch (InvalidConfigurationException | IllegalArgumentException error) {
                refused = true;
                System.out.println(file);
                for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                    System.out.println("  " + String.valueOf(cause.getMessage()).replace("\n", "\n  "));
                }
            }
        }
        System.exit(refused ? 1 : 0);
    }
}
