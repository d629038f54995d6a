package minqing.field;

import android.content.*;
import android.database.*;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.*;

/**
 * Hands single files to the camera, the installer and whoever carries an outbox. Only what lies directly in the folder “out” of the
 * cache, only to whom an intent grants it. The folder is emptied at every start.
 */
public final class Files extends ContentProvider {
    static File folder(Context context) {
        File out = new File(context.getCacheDir(), "out");
        out.mkdirs();
        return out;
    }

    static Uri of(File f) { return Uri.parse("content://minqing.field.files/" + f.getName()); }

    /** Deletes what an earlier run left. */
    static void sweep(Context context) {
        File[] old = folder(context).listFiles();
        if (old != null) {
            for (File f : old) {
                f.delete();
            }
        }
    }

    /** The file of an address: its last segment's own name, so that none leads out of the folder. */
    private File find(Uri uri) { return new File(folder(getContext()), new File(uri.toString()).getName()); }

    @Override public boolean onCreate() { return true; }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        return ParcelFileDescriptor.open(find(uri), ParcelFileDescriptor.parseMode(mode));
    }

    @Override
    public String getType(Uri uri) {
        String path = uri.toString();
        return path.endsWith(".apk") ? MainActivity.APK : path.endsWith(".jpg") ? "image/jpeg" : "application/octet-stream";
    }

    @Override
    public Cursor query(Uri uri, String[] columns, String where, String[] args, String order) {
        MatrixCursor c = new MatrixCursor(new String[] {OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE}, 1);
        File f = find(uri);
        c.addRow(new Object[] {f.getName(), f.length()});
        return c;
    }

    // Nobody writes here but through openFile.
    @Override public Uri insert(Uri uri, ContentValues values) { return null; }
    @Override public int delete(Uri uri, String where, String[] args) { return 0; }
    @Override public int update(Uri uri, ContentValues values, String where, String[] args) { return 0; }
}
