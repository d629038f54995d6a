package minqing.field;

import android.app.Application;

/** Keeps the one running program for as long as the process lives: a turned screen or a page closed must not end it. */
public final class App extends Application {
    private Program program;

    /** The program, started when it does not run yet. */
    synchronized Program program() {
        if (program == null || program.ended()) {
            program = new Program(this);
        }
        return program;
    }
}
