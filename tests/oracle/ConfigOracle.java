import com.hazelcast.config.InvalidConfigurationException;
import com.hazelcast.config.YamlConfigBuilder;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads configuration documents as a member would, without starting one: its own parser and its own schema judge.
 *
 * <p>Usage: {@code java -cp hazelcast-VERSION.jar ConfigOracle.java FILE...}. Prints a line for each file that is
 * refused, with the reasons below it. Exit code 0 where all are accepted, else 1.
 */
public class ConfigOracle {
    public static void main(String[] files) throws Exception {
        System.setProperty("hazelcast.logging.type", "none");
        boolean refused = false;
        for (String file : files) {
            try (InputStream document = Files.newInputStream(Path.of(file))) {
                new YamlConfigBuilder(document).build();
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
