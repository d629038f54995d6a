package minqing.field;

import android.security.keystore.*;
import java.io.*;
import java.security.*;
import javax.crypto.*;
import javax.crypto.spec.GCMParameterSpec;

/**
 * A secret of this phone, sealed by a key that never leaves its keystore. The program wraps the replica's key with it. Without a
 * keystore that works the secret is empty, and the program falls back on the PIN alone.
 */
final class Vault {
    private static final String ALIAS = "minqing";
    private static final int SECRET = 32, NONCE = 12, TAG_BITS = 128;

    private final File box;

    Vault(File box) { this.box = box; }

    /** The secret, made the first time; empty when the keystore does not work. A box that cannot be opened is left alone. */
    byte[] secret() {
        try {
            return box.exists() ? open() : make();
        } catch (GeneralSecurityException | IOException e) {
            return new byte[0];
        }
    }

    private byte[] open() throws GeneralSecurityException, IOException {
        byte[] sealed = new byte[Math.max((int) box.length(), NONCE + TAG_BITS / 8)];
        try (RandomAccessFile f = new RandomAccessFile(box, "r")) {
            f.readFully(sealed);
        }
        KeyStore store = KeyStore.getInstance("AndroidKeyStore");
        store.load(null);
        Cipher c = Cipher.getInstance("AES/GCM/NoPadding");
        c.init(Cipher.DECRYPT_MODE, store.getKey(ALIAS, null), new GCMParameterSpec(TAG_BITS, sealed, 0, NONCE));
        return c.doFinal(sealed, NONCE, sealed.length - NONCE);
    }

    private byte[] make() throws GeneralSecurityException, IOException {
        KeyGenerator g = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, "AndroidKeyStore");
        g.init(new KeyGenParameterSpec.Builder(ALIAS, KeyProperties.PURPOSE_ENCRYPT | KeyProperties.PURPOSE_DECRYPT)
                .setBlockModes(KeyProperties.BLOCK_MODE_GCM).setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE).setKeySize(256).build());
        SecretKey key = g.generateKey();
        byte[] secret = new byte[SECRET];
        new SecureRandom().nextBytes(secret);
        Cipher c = Cipher.getInstance("AES/GCM/NoPadding");
        c.init(Cipher.ENCRYPT_MODE, key);
        byte[] sealed = c.doFinal(secret);
        // On the disk whole, before anything is wrapped with the secret: half a box would lock the replica for ever.
        File half = new File(box.getPath() + ".new");
        try (FileOutputStream f = new FileOutputStream(half)) {
            f.write(c.getIV());
            f.write(sealed);
            f.getFD().sync();
        }
        if (!half.renameTo(box)) {
            throw new IOException("rename");
        }
        return secret;
    }

    /** Drops key and box: the program has wiped what they opened. */
    void forget() {
        box.delete();
        try {
            KeyStore store = KeyStore.getInstance("AndroidKeyStore");
            store.load(null);
            store.deleteEntry(ALIAS);
        } catch (GeneralSecurityException | IOException e) {
            return; // without the box the key opens nothing
        }
    }
}
